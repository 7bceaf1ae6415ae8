/** Looks at a database without changing it, beside a running bridge or without one: for the doctor. */
import Database from 'better-sqlite3';
import { MIGRATIONS } from './migrate.ts';

/** `version` and `known` are numbers of the schema: the database's, and the latest of this program. `reason` is SQLite's code. */
export type Inspected =
  | { readonly state: 'good'; readonly version: number; readonly known: number }
  | { readonly state: 'corrupt'; readonly reason: string }
  | { readonly state: 'unusable'; readonly reason: string };

/** SQLite sleeps in it with the whole process. */
const BUSY_MS = 500;
const CORRUPT = /^SQLITE_(CORRUPT|NOTADB)/;

/** The file exists. Reads all of it. */
export function inspectDatabase(file: string): Inspected {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    const found = db.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') return { state: 'corrupt', reason: 'quick_check' };
    return { state: 'good', version: db.pragma('user_version', { simple: true }) as number, known: MIGRATIONS.length };
  } catch (error) {
    const reason = String((error as { code?: unknown }).code ?? 'unknown');
    return { state: CORRUPT.test(reason) ? 'corrupt' : 'unusable', reason };
  } finally {
    db?.close();
  }
}
