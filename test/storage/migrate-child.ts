/** Migrates a database, says when it begins, and is killed at some moment. */
import { writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { MIGRATIONS } from './long-migrations.ts';

const db = new Database(process.argv[2]!, { timeout: 20_000 });
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
writeSync(1, 'begun\n');
migrate(db, MIGRATIONS);
