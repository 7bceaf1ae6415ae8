import type { Database } from 'better-sqlite3';
import type { JournalStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function journalStore(db: Database, commits: Commits): JournalStore {
  const append = db.prepare<[string, string]>('INSERT INTO journal (receiver, raw) VALUES (?, ?)');
  const pending = db.prepare<[string], { entry: number; raw: string }>(
    'SELECT entry, raw FROM journal WHERE receiver = ? ORDER BY entry',
  );
  const done = db.prepare<[number]>('DELETE FROM journal WHERE entry = ?');
  return {
    append: (receiver, raw) => commits.change(() => Number(append.run(receiver, raw).lastInsertRowid)),
    pending: (receiver) => commits.read(() => pending.all(receiver)),
    done: (entry) => commits.tidy(() => void done.run(entry)),
  };
}
