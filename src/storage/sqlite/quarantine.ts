import type { Database } from 'better-sqlite3';
import { LIMITS } from '../../limits.ts';
import type { QuarantineStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function quarantineStore(db: Database, commits: Commits): QuarantineStore {
  const insert = db.prepare<[number, string, string, string, number]>(
    'INSERT INTO quarantine (at, source, code, content, size) VALUES (?, ?, ?, ?, ?)',
  );
  const totals = db.prepare<[], { rows: number; bytes: number }>(
    'SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes FROM quarantine',
  );
  const dropOldest = db.prepare('DELETE FROM quarantine WHERE seq = (SELECT min(seq) FROM quarantine)');
  return {
    add: (row) =>
      commits.change(() => {
        const content = row.content.slice(0, LIMITS.envelopeBytes);
        insert.run(row.at, row.source, row.code, content, Buffer.byteLength(content));
        for (let now = totals.get()!; now.rows > LIMITS.quarantineRows || now.bytes > LIMITS.quarantineBytes; now = totals.get()!)
          dropOldest.run();
      }),
    count: () => commits.read(() => totals.get()!.rows),
  };
}
