import type { EnvelopeId, ServerName } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { senderPrefix } from '../sender.ts';
import type { InboxRow, InboxStore } from '../types.ts';
import { Tally } from './tally.ts';

export function inboxStore(): InboxStore & { dropWhere(goes: (row: InboxRow) => boolean): void } {
  /** (origin, id) → when to forget it. A server name has no space. */
  const seen = new Map<string, number>();
  const rows = new Map<string, InboxRow>();
  const keyOf = (origin: ServerName, id: EnvelopeId): string => `${origin} ${id}`;
  const ofOrigin = new Tally();
  /** By device, and of each by origin and by sending member. */
  const ofDevice = new Tally();
  const seenOf = new Tally();
  const isFull = (origin: ServerName, row: InboxRow | undefined): boolean => {
    if (seenOf.of(origin) >= LIMITS.seenPerOrigin) return true;
    if (!row) return false;
    if (ofOrigin.of(origin) >= LIMITS.inboxPerOrigin || ofDevice.of(row.to) >= LIMITS.inboxPerDevice) return true;
    if (ofDevice.of(`${row.to} ${origin}`) >= LIMITS.inboxPerDeviceOfOrigin) return true;
    return memberOf(row) !== undefined && ofDevice.of(`${row.to} ${memberOf(row)}`) >= LIMITS.inboxPerDeviceOfMember;
  };
  const memberOf = ({ from }: InboxRow): string | undefined => senderPrefix(from);
  const tally = (row: InboxRow, change: 1 | -1): void => {
    ofOrigin.add(row.origin, change);
    const member = memberOf(row);
    for (const part of ['', ` ${row.origin}`, ...(member === undefined ? [] : [` ${member}`])])
      ofDevice.add(`${row.to}${part}`, change);
  };
  const drop = (key: string, row: InboxRow): void => {
    rows.delete(key);
    tally(row, -1);
  };

  return {
    async accept({ origin, id, forgetAt }, row) {
      const key = keyOf(origin, id);
      if (seen.has(key)) return 'duplicate';
      if (isFull(origin, undefined)) return 'full';
      const older =
        row?.type === 'app.volly.presence.subscribe' &&
        [...rows].find(([, one]) => one.to === row.to && one.from === row.from && one.type === row.type);
      if (older) drop(...older);
      else if (isFull(origin, row)) return 'full';
      seen.set(key, forgetAt);
      seenOf.add(origin, 1);
      if (!row) return 'accepted';
      rows.set(key, row);
      tally(row, 1);
      return 'accepted';
    },
    seen: async (origin, id) => seen.has(keyOf(origin, id)),
    waiting: async (device) => [...rows.values()].filter((row) => row.to === device),
    async taken(device, origin, id) {
      const key = keyOf(origin, id);
      const row = rows.get(key);
      if (row?.to !== device) return false;
      drop(key, row);
      return true;
    },
    async expired(now, limit) {
      const due = [...rows.values()].filter((row) => row.expires <= now).sort((a, b) => a.expires - b.expires);
      return due.slice(0, limit).map(({ encoded: _, ...row }) => row);
    },
    async remove(keys) {
      for (const { origin, id } of keys) {
        const key = keyOf(origin, id);
        const row = rows.get(key);
        if (row) drop(key, row);
      }
    },
    async forget(now, limit) {
      const due = [...seen].filter(([, forgetAt]) => forgetAt <= now).slice(0, limit);
      for (const [key] of due) {
        seen.delete(key);
        seenOf.add(key.slice(0, key.indexOf(' ')), -1);
      }
      return due.length;
    },
    counts: async () => ({ waiting: rows.size, seen: seen.size }),
    dropWhere(goes) {
      for (const [key, row] of rows) if (goes(row)) drop(key, row);
    },
  };
}
