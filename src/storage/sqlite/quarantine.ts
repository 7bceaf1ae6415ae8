import type { Database } from 'better-sqlite3';
import { LIMITS } from '../../limits.ts';
import type { QuarantineRow, QuarantineStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function quarantineStore(db: Database, commits: Commits): QuarantineStore {
  const insert = db.prepare<[number, string, string, string, number]>(
    'INSERT INTO quarantine (at, source, code, content, size) VALUES (?, ?, ?, ?, ?)',
  );
  const totals = db.prepare<[], { rows: number; bytes: number }>(
    'SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes FROM quarantine',
  );
  const dropOldest = db.prepare('DELETE FROM quarantine WHERE seq = (SELECT min(seq) FROM quarantine)');
  const page = db.prepare<[number, string | null, string | null, number], QuarantineRow & { seq: number }>(
    'SELECT seq, at, source, code, content FROM quarantine WHERE seq < ? AND (? IS NULL OR code = ?) ORDER BY seq DESC LIMIT ?',
  );
  const get = db.prepare<[number], QuarantineRow>('SELECT at, source, code, content FROM quarantine WHERE seq = ?');
  const remove = db.prepare<[number]>('DELETE FROM quarantine WHERE seq = ?');
  const removeAll = db.prepare<[string]>('DELETE FROM quarantine WHERE code = ?');
  return {
    add: (row) =>
      commits.change(() => {
        const content = row.content.slice(0, LIMITS.envelopeBytes);
        insert.run(row.at, row.source, row.code, content, Buffer.byteLength(content));
        for (let now = totals.get()!; now.rows > LIMITS.quarantineRows || now.bytes > LIMITS.quarantineBytes; now = totals.get()!)
          dropOldest.run();
      }),
    count: () => commits.read(() => totals.get()!.rows),
    page: (before, limit, code) => commits.read(() => page.all(before, code ?? null, code ?? null, limit)),
    get: (seq) => commits.read(() => get.get(seq)),
    remove: (which) => commits.change(() => ('seq' in which ? remove.run(which.seq) : removeAll.run(which.code)).changes),
  };
}
