/** Brings a database to this program's schema, one numbered migration a commit, so that a kill between leaves a whole schema. */
import type { Database } from 'better-sqlite3';
import { VollyError } from '../../errors.ts';
import { initial } from './migrations/0001-initial.ts';
import { administration } from './migrations/0002-administration.ts';

/** In order; the schema's version (`user_version`) is the number of migrations applied. */
export const MIGRATIONS: readonly string[] = [initial, administration];

/** Throws `newer_schema` when the database is ahead of this program, and changes nothing then. */
export function migrate(db: Database, migrations = MIGRATIONS): void {
  const version = (): number => db.pragma('user_version', { simple: true }) as number;
  if (version() > migrations.length) throw new VollyError('newer_schema', `version ${version()}, known ${migrations.length}`);
  while (version() < migrations.length) {
    db.transaction(() => {
      // Read again under the lock: two processes may start at once, and the second must find the first one's work.
      const done = version();
      const next = migrations[done];
      if (next === undefined) return;
      db.exec(next);
      db.pragma(`user_version = ${done + 1}`);
    }).immediate();
  }
}
