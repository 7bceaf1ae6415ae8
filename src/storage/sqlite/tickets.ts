import type { Database } from 'better-sqlite3';
import type { DeviceAddress } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { TicketStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function ticketStore(db: Database, commits: Commits): TicketStore {
  const add = db.prepare<[Uint8Array, string, Uint8Array, number]>(
    'INSERT OR REPLACE INTO tickets (hash, device, state, expires) VALUES (?, ?, ?, ?)',
  );
  const trim = db.prepare<[string, string, number]>(
    'DELETE FROM tickets WHERE device = ? AND seq NOT IN (SELECT seq FROM tickets WHERE device = ? ORDER BY seq DESC LIMIT ?)',
  );
  const purge = db.prepare<[number]>('DELETE FROM tickets WHERE expires <= ?');
  const use = db.prepare<[Uint8Array], { device: DeviceAddress; state: Uint8Array }>(
    'DELETE FROM tickets WHERE hash = ? RETURNING device, state',
  );
  const revoke = db.prepare<[string]>('DELETE FROM tickets WHERE device = ?');
  const revokeAll = db.prepare('DELETE FROM tickets');
  return {
    add: (ticket) =>
      commits.change(() => {
        add.run(ticket.hash, ticket.device, ticket.state, ticket.expires);
        trim.run(ticket.device, ticket.device, LIMITS.ticketsPerDevice);
      }),
    use: (hash, now) =>
      commits.change(() => {
        purge.run(now);
        return use.get(hash);
      }),
    revoke: (device) => commits.change(() => void revoke.run(device)),
    revokeAll: () => commits.change(() => void revokeAll.run()),
  };
}
