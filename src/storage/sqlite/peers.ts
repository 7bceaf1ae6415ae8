import type { Database } from 'better-sqlite3';
import type { ServerName } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { PeerStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function peerStore(db: Database, commits: Commits): PeerStore {
  const all = db.prepare<[], { server: ServerName; heardAt: number; skewMs: number | null }>(
    'SELECT server, heard_at AS heardAt, skew AS skewMs FROM peers ORDER BY heard_at',
  );
  const put = db.prepare<[string, number, number | null]>(
    'INSERT OR REPLACE INTO peers (server, heard_at, skew) VALUES (?, ?, ?)',
  );
  const forget = db.prepare<[number]>(
    'DELETE FROM peers WHERE server IN (SELECT server FROM peers ORDER BY heard_at DESC LIMIT -1 OFFSET ?)',
  );
  const blocked = db.prepare<[], { server: ServerName; at: number }>('SELECT server, at FROM blocked_peers ORDER BY server');
  const block = db.prepare<[string, number]>('INSERT OR IGNORE INTO blocked_peers (server, at) VALUES (?, ?)');
  const unblock = db.prepare<[string]>('DELETE FROM blocked_peers WHERE server = ?');
  return {
    blocked: () => commits.read(() => blocked.all()),
    block: (server, at) => commits.change(() => (at === undefined ? unblock.run(server) : block.run(server, at)).changes > 0),
    all: () => commits.read(() => all.all().map(({ skewMs, ...row }) => ({ ...row, ...(skewMs === null ? {} : { skewMs }) }))),
    put: (rows) =>
      commits.change(() => {
        for (const { server, heardAt, skewMs } of rows) put.run(server, heardAt, skewMs ?? null);
        forget.run(LIMITS.peers);
      }),
  };
}
