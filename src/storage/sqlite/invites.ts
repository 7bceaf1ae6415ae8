import type { Database } from 'better-sqlite3';
import type { Localpart } from '../../ids.ts';
import type { InviteRow, InviteStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function inviteStore(db: Database, commits: Commits): InviteStore {
  const add = db.prepare<[Uint8Array, string, number]>('INSERT OR REPLACE INTO invites (hash, member, expires) VALUES (?, ?, ?)');
  const purge = db.prepare<[number]>('DELETE FROM invites WHERE expires <= ?');
  const live = db.prepare<[Uint8Array, Localpart, number]>('SELECT 1 FROM invites WHERE hash = ? AND member = ? AND expires > ?');
  const use = db.prepare<[Uint8Array, Localpart]>('DELETE FROM invites WHERE hash = ? AND member = ?');
  const all = db.prepare<[number], InviteRow>(
    'SELECT hash, member, expires FROM invites WHERE expires > ? ORDER BY expires, member',
  );
  const revoke = db.prepare<[Uint8Array]>('DELETE FROM invites WHERE hash = ?');
  return {
    all: (now) => commits.read(() => all.all(now)),
    revoke: (hash) => commits.change(() => revoke.run(hash).changes > 0),
    add: (invite) => commits.change(() => void add.run(invite.hash, invite.member, invite.expires)),
    live: (hash, member, now) => commits.read(() => live.get(hash, member, now) !== undefined),
    use: (hash, member, now) =>
      commits.change(() => {
        purge.run(now);
        return use.run(hash, member).changes > 0;
      }),
  };
}
