/** Brings a database to this program's schema, one numbered migration a commit, so that a kill between leaves a whole schema. */
import type { Database } from 'better-sqlite3';
import { VollyError } from '../../errors.ts';
import { initial } from './migrations/0001-initial.ts';
import { quarantineSize } from './migrations/0002-quarantine-size.ts';
import { inboxSender } from './migrations/0003-inbox-sender.ts';
import { noPositions } from './migrations/0004-no-positions.ts';

/** In order; the schema's version (`user_version`) is the number of migrations applied. */
const MIGRATIONS: readonly string[] = [initial, quarantineSize, inboxSender, noPositions];

/** Throws `newer_schema` when the database is ahead of this program, and changes nothing then. */
export function migrate(db: Database): void {
  const version = (): number => db.pragma('user_version', { simple: true }) as number;
  if (version() > MIGRATIONS.length) throw new VollyError('newer_schema', `version ${version()}, known ${MIGRATIONS.length}`);
  while (version() < MIGRATIONS.length) {
    db.transaction(() => {
      // Read again under the lock: two processes may start at once, and the second must find the first one's work.
      const done = version();
      const next = MIGRATIONS[done];
      if (next === undefined) return;
      db.exec(next);
      db.pragma(`user_version = ${done + 1}`);
    }).immediate();
  }
}
