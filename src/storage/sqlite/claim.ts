/**
 * One bridge to a database: two would take the homeserver's answers from each other, and neither would hear of what the other keeps for
 * its devices. The claim is SQLite's own lock on an empty file beside it, which ends with the process however that ends; commands
 * beside a running bridge need none.
 */
import { closeSync, constants, existsSync, fchmodSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { VollyError } from '../../errors.ts';
import { asVolly } from './commits.ts';

const claimOf = (file: string): string => `${file}-claim`;

/** Whether a process holds it. Makes nothing, but holds it itself for a moment: there is no other way to tell. */
export function isClaimed(file: string): boolean {
  if (!existsSync(claimOf(file))) return false;
  try {
    claimDatabase(file)();
    return false;
  } catch (error) {
    if (isBusy((error as Error).cause ?? {})) return true;
    throw error;
  }
}

const isBusy = (error: unknown): boolean => String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY');

/** Returns what gives it back. Throws `database` while another process holds it. */
export function claimDatabase(file: string): () => void {
  const path = claimOf(file);
  let db: Database.Database | undefined;
  try {
    makePrivate(path);
    db = new Database(path, { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    throw isBusy(error)
      ? new VollyError('database', `${file} is in use by another running bridge`, { cause: error })
      : asVolly(error);
  }
  const claim = db;
  return () => void claim.close();
}

/** Follows no link: a root who only looks whether a bridge runs is not led to another file. Windows has no such flag. */
function makePrivate(path: string): void {
  const opened = openSync(path, constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
  try {
    fchmodSync(opened, 0o600);
  } finally {
    closeSync(opened);
  }
}
