import type { Database } from 'better-sqlite3';
import type { JournalStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function journalStore(db: Database, commits: Commits): JournalStore {
  const append = db.prepare<[string, string]>('INSERT INTO journal (receiver, raw) VALUES (?, ?)');
  const move = db.prepare<[string, string]>('INSERT OR REPLACE INTO positions (receiver, position) VALUES (?, ?)');
  const pending = db.prepare<[string], { entry: number; raw: string }>(
    'SELECT entry, raw FROM journal WHERE receiver = ? ORDER BY entry',
  );
  const done = db.prepare<[number]>('DELETE FROM journal WHERE entry = ?');
  const position = db.prepare<[string], { position: string }>('SELECT position FROM positions WHERE receiver = ?');
  const reset = db.prepare<[string]>('DELETE FROM positions WHERE receiver = ?');
  return {
    append: (receiver, raw, at) =>
      commits.change(() => {
        move.run(receiver, at);
        return Number(append.run(receiver, raw).lastInsertRowid);
      }),
    pending: (receiver) => commits.read(() => pending.all(receiver)),
    done: (entry) => commits.tidy(() => void done.run(entry)),
    position: (receiver) => commits.read(() => position.get(receiver)?.position),
    reset: (receiver) => commits.change(() => void reset.run(receiver)),
  };
}
