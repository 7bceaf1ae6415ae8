import type { Database } from 'better-sqlite3';

/** Copies what nobody reads any more from the log into the database. On a full disk the log stays as it is, and nothing of it is lost. */
export function moveLog(db: Database): void {
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch {
    // Tried again with the next commits.
  }
}
