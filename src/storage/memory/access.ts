/** Invites and resumption tickets: single-use secrets, kept as hashes. */
import { toHex } from '../../bytes.ts';
import type { Localpart } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { InviteRow, InviteStore, TicketStore } from '../types.ts';

export type Invites = Map<string, InviteRow>;
export type Tickets = Map<string, Parameters<TicketStore['add']>[0]>;

export function inviteStore(invites: Invites): InviteStore {
  const isLive = (hash: Uint8Array, member: Localpart, now: number): boolean => {
    const invite = invites.get(toHex(hash));
    return invite?.member === member && invite.expires > now;
  };
  return {
    add: async (invite) => void invites.set(toHex(invite.hash), invite),
    all: async (now) =>
      [...invites.values()]
        .filter(({ expires }) => expires > now)
        .sort((a, b) => a.expires - b.expires || (a.member < b.member ? -1 : 1)),
    revoke: async (hash) => invites.delete(toHex(hash)),
    live: async (hash, member, now) => isLive(hash, member, now),
    use: async (hash, member, now) => isLive(hash, member, now) && invites.delete(toHex(hash)),
  };
}

export function ticketStore(tickets: Tickets): TicketStore {
  const ofDevice = (device: string): readonly string[] => [...tickets].filter(([, t]) => t.device === device).map(([key]) => key);
  return {
    async add(ticket) {
      tickets.delete(toHex(ticket.hash));
      tickets.set(toHex(ticket.hash), ticket);
      for (const key of ofDevice(ticket.device).slice(0, -LIMITS.ticketsPerDevice)) tickets.delete(key);
    },
    async use(hash, now) {
      const key = toHex(hash);
      const ticket = tickets.get(key);
      tickets.delete(key);
      return ticket && ticket.expires > now ? { device: ticket.device, state: ticket.state } : undefined;
    },
    async revoke(device) {
      for (const key of ofDevice(device)) tickets.delete(key);
    },
    async revokeAll() {
      tickets.clear();
    },
  };
}
