import type { Database } from 'better-sqlite3';
import type { FactStore } from '../types.ts';
import type { Commits } from './commits.ts';

export function factStore(db: Database, commits: Commits): FactStore {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM facts WHERE name = ?');
  const set = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  return {
    get: (name) => commits.read(() => get.get(name)?.value),
    set: (name, value) => commits.change(() => void set.run(name, value)),
  };
}
