import type { Database } from 'better-sqlite3';
import type { EnvelopeId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { isDevice } from '../sender.ts';
import type { OutboxRow, OutboxStore } from '../types.ts';
import type { Commits } from './commits.ts';

const ADDRESSES = 'id, peer, type, sender AS "from", recipient AS "to", expires';

export function outboxStore(db: Database, commits: Commits): OutboxStore {
  const known = db.prepare<[string, string]>(
    'SELECT 1 FROM outbox WHERE id = ? UNION ALL SELECT 1 FROM outbox_acked WHERE id = ?',
  );
  const ofPeer = db.prepare<[string], { waiting: number }>('SELECT waiting FROM outbox_counts WHERE peer = ?');
  const ofSender = db.prepare<[string, string], { rows: number }>(
    'SELECT count(*) AS rows FROM outbox WHERE peer = ? AND sender = ?',
  );
  const insert = db.prepare<[string, string, string, string, string, number, string]>(
    'INSERT INTO outbox (id, peer, type, sender, recipient, expires, encoded) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const keepAddresses = db.prepare<[string, string]>(
    `INSERT INTO outbox_acked SELECT id, peer, type, sender, recipient, expires FROM outbox WHERE id = ? AND peer = ?`,
  );
  const removeWaiting = db.prepare<[string]>('DELETE FROM outbox WHERE id = ?');
  const removeAcked = db.prepare<[string]>('DELETE FROM outbox_acked WHERE id = ?');
  const all = db.prepare<[], OutboxRow>(`SELECT ${ADDRESSES}, encoded FROM outbox ORDER BY seq`);
  const find = db.prepare<[string, string], Omit<OutboxRow, 'encoded'>>(
    `SELECT ${ADDRESSES} FROM outbox WHERE id = ? UNION ALL SELECT ${ADDRESSES} FROM outbox_acked WHERE id = ?`,
  );
  const forget = db.prepare<[number]>('DELETE FROM outbox_acked WHERE expires <= ?');

  const acknowledge = (peer: string, id: EnvelopeId): boolean => {
    if (keepAddresses.run(id, peer).changes === 0) return false;
    removeWaiting.run(id);
    return true;
  };

  return {
    put: (row) =>
      commits.change(() => {
        if (known.get(row.id, row.id)) return 'duplicate';
        if ((ofPeer.get(row.peer)?.waiting ?? 0) >= LIMITS.outboxPerPeer) return 'full';
        if (isDevice(row.from) && ofSender.get(row.peer, row.from)!.rows >= LIMITS.outboxPerDevice) return 'full';
        insert.run(row.id, row.peer, row.type, row.from, row.to, row.expires, row.encoded);
        return 'accepted';
      }),
    acknowledge: (peer, ids) => commits.change(() => ids.filter((id) => acknowledge(peer, id))),
    all: () => commits.read(() => all.all()),
    remove: (ids) =>
      commits.change(() => {
        for (const id of ids) {
          removeWaiting.run(id);
          removeAcked.run(id);
        }
      }),
    find: (id) => commits.read(() => find.get(id, id)),
    forget: (now) => commits.change(() => void forget.run(now - LIMITS.ackedMemoryMs)),
  };
}
