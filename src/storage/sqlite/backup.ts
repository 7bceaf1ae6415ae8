/**
 * Copies of the database, taken while a bridge writes to it. Nothing is committed while the pages are copied (1.3 ms for each MB; the
 * commits of the bridge wait for it), so the copy holds all that was promised up to its end, and not only up to its beginning.
 */
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import { asVolly } from './commits.ts';
import { MIGRATIONS } from './migrate.ts';

const BUSY_MS = 10_000;
/** All in one step: nobody may write in between. */
const ALL_PAGES = 0x7fff_ffff;

/** What serves once: in a database that comes back some day it may have served already (PROTOCOL.md sections 14.4, 14.6). */
const SERVE_ONCE = ['tickets', 'invites'];

export interface CopyOptions {
  readonly file: string;
  /** A new file, or one that is replaced. */
  readonly to: string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Copy {
  /** Unix time in ms: everything that was promised by then is in the copy. */
  readonly takenAt: number;
  /** The version of its schema. */
  readonly schema: number;
}

/** One file, mode 0600, whole and checked, without what serves once. Throws `database`, `newer_schema`. */
export async function copyDatabase({ file, to, clock }: CopyOptions): Promise<Copy> {
  const pages = `${to}.pages`;
  try {
    for (const one of [pages, to]) {
      rmSync(one, { force: true });
      // Before SQLite makes it with the process's umask.
      closeSync(openSync(one, 'wx', 0o600));
    }
    const takenAt = await copyPages(file, pages, clock);
    strip(pages, to);
    return { takenAt, schema: checkDatabase(to) };
  } catch (error) {
    const coded = asVolly(error);
    throw coded.code === 'database' ? new VollyError('database', `${file}: ${coded.message}`, { cause: error }) : coded;
  } finally {
    rmSync(pages, { force: true });
  }
}

async function copyPages(file: string, to: string, clock: Pick<Clock, 'now'>): Promise<number> {
  const options = { fileMustExist: true, timeout: BUSY_MS };
  const lock = new Database(file, options);
  try {
    const source = new Database(file, options);
    try {
      lock.exec('BEGIN IMMEDIATE');
      await source.backup(to, { progress: () => ALL_PAGES });
      return clock.now();
    } finally {
      source.close();
    }
  } finally {
    lock.close();
  }
}

/** Writes the rows anew, so that no trace stays of what is taken out, nor of what the bridge had deleted before. */
function strip(pages: string, to: string): void {
  const db = new Database(pages, { fileMustExist: true });
  try {
    // No log beside it.
    db.pragma('journal_mode = DELETE');
    knownSchema(db);
    for (const table of SERVE_ONCE) db.exec(`DELETE FROM ${table}`);
    // Unlike VACUUM it needs no room elsewhere, as under /tmp, where there may be none to write.
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
  const file = openSync(to, 'r+');
  fsyncSync(file);
  closeSync(file);
}

/** Returns the version of its schema. Throws `bad_backup` for what is no whole database, `newer_schema`. */
export function checkDatabase(file: string): number {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    const found = db.pragma('integrity_check', { simple: true });
    if (found !== 'ok') throw new VollyError('bad_backup', `${file}: ${String(found)}`);
    return knownSchema(db);
  } catch (error) {
    if (error instanceof VollyError) throw error;
    throw new VollyError('bad_backup', `${file}: ${asVolly(error).message}`, { cause: error });
  } finally {
    db?.close();
  }
}

function knownSchema(db: Database.Database): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > MIGRATIONS.length) throw new VollyError('newer_schema', `version ${version}, known ${MIGRATIONS.length}`);
  if (version === 0) throw new VollyError('bad_backup', 'a database without a schema');
  return version;
}
