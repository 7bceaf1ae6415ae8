import type { Database } from 'better-sqlite3';
import { LIMITS } from '../../limits.ts';
import { senderPrefix } from '../sender.ts';
import type { InboxRow, InboxStore } from '../types.ts';
import type { Commits } from './commits.ts';

const ADDRESSES = 'origin, id, type, recipient AS "to", sender AS "from", expires';

export function inboxStore(db: Database, commits: Commits): InboxStore {
  const seen = db.prepare<[string, string]>('SELECT 1 FROM inbox_seen WHERE origin = ? AND id = ?');
  const remember = db.prepare<[string, string, number]>('INSERT INTO inbox_seen (origin, id, forget_at) VALUES (?, ?, ?)');
  const counts = db.prepare<[string], { waiting: number; seen: number }>(
    'SELECT waiting, seen FROM inbox_counts WHERE origin = ?',
  );
  const ofDevice = db.prepare<[string, string], { rows: number; ofOrigin: number }>(
    'SELECT count(*) AS rows, count(*) FILTER (WHERE origin = ?) AS ofOrigin FROM inbox WHERE recipient = ?',
  );
  const ofMember = db.prepare<[string, string, string], { rows: number }>(
    'SELECT count(*) AS rows FROM inbox WHERE recipient = ? AND sender >= ? AND sender < ?',
  );
  const dropOlder = db.prepare<[string, string, string]>('DELETE FROM inbox WHERE recipient = ? AND sender = ? AND type = ?');
  const insert = db.prepare<[string, string, string, string, string, number, string]>(
    'INSERT INTO inbox (origin, id, type, recipient, sender, expires, encoded) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const waiting = db.prepare<[string], InboxRow>(`SELECT ${ADDRESSES}, encoded FROM inbox WHERE recipient = ? ORDER BY seq`);
  const take = db.prepare<[string, string, string]>('DELETE FROM inbox WHERE origin = ? AND id = ? AND recipient = ?');
  const expired = db.prepare<[number, number], Omit<InboxRow, 'encoded'>>(
    `SELECT ${ADDRESSES} FROM inbox WHERE expires <= ? ORDER BY expires, seq LIMIT ?`,
  );
  const missed = db.prepare<[number]>('SELECT 1 FROM inbox WHERE expires <= ? LIMIT 1');
  const remove = db.prepare<[string, string]>('DELETE FROM inbox WHERE origin = ? AND id = ?');
  const due = db.prepare<[number]>('SELECT 1 FROM inbox_seen WHERE forget_at <= ? LIMIT 1');
  const forget = db.prepare<[number, number]>(
    'DELETE FROM inbox_seen WHERE (origin, id) IN (SELECT origin, id FROM inbox_seen WHERE forget_at <= ? LIMIT ?)',
  );
  const totals = db.prepare<[], { waiting: number; seen: number }>(
    'SELECT coalesce(sum(waiting), 0) AS waiting, coalesce(sum(seen), 0) AS seen FROM inbox_counts',
  );
  const tidy = db.prepare('DELETE FROM inbox_counts WHERE waiting = 0 AND seen = 0');

  const isFull = (origin: string, row: InboxRow | undefined): boolean => {
    const count = counts.get(origin) ?? { waiting: 0, seen: 0 };
    if (count.seen >= LIMITS.seenPerOrigin) return true;
    if (!row) return false;
    if (count.waiting >= LIMITS.inboxPerOrigin) return true;
    const { rows, ofOrigin } = ofDevice.get(origin, row.to)!;
    if (rows >= LIMITS.inboxPerDevice || ofOrigin >= LIMITS.inboxPerDeviceOfOrigin) return true;
    const member = senderPrefix(row.from);
    // '0' is what follows '/': all devices of the member and nothing else.
    return member !== undefined && ofMember.get(row.to, member, `${member.slice(0, -1)}0`)!.rows >= LIMITS.inboxPerDeviceOfMember;
  };

  return {
    accept: (key, row) =>
      commits.change(() => {
        if (seen.get(key.origin, key.id)) return 'duplicate';
        if (isFull(key.origin, undefined)) return 'full';
        const replaces = row?.type === 'app.volly.presence.subscribe' && dropOlder.run(row.to, row.from, row.type).changes > 0;
        if (!replaces && isFull(key.origin, row)) return 'full';
        remember.run(key.origin, key.id, key.forgetAt);
        if (row) insert.run(row.origin, row.id, row.type, row.to, row.from, row.expires, row.encoded);
        return 'accepted';
      }),
    seen: (origin, id) => commits.read(() => seen.get(origin, id) !== undefined),
    // In the order of changes: what was taken a moment ago does not wait any more.
    waiting: (device) => commits.change(() => waiting.all(device)),
    taken: (device, origin, id) => commits.tidy(() => take.run(origin, id, device).changes > 0),
    async expired(now, limit) {
      if (!(await commits.read(() => missed.get(now)))) return []; // as below: called every second
      // In the order of changes: of what was taken a moment ago nobody shall say that it was not.
      return commits.change(() => expired.all(now, limit));
    },
    remove: (keys) =>
      commits.change(() => {
        for (const { origin, id } of keys) remove.run(origin, id);
      }),
    async forget(now, limit) {
      // Called every second: most times there is nothing, and nothing shall not take a turn of the commit queue.
      if (!(await commits.read(() => due.get(now)))) return 0;
      return commits.change(() => {
        const { changes } = forget.run(now, limit);
        tidy.run();
        return changes;
      });
    },
    counts: () => commits.read(() => totals.get()!),
  };
}
