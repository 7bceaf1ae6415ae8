/** The embedded default: one SQLite file, WAL, every promise kept by a commit that the disk confirmed. */
import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type Clock, systemClock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import type { Stores } from '../types.ts';
import { Checkpoints } from './checkpoints.ts';
import { asVolly, Commits, type CommitWatch } from './commits.ts';
import { factStore } from './facts.ts';
import { inboxStore } from './inbox.ts';
import { inviteStore } from './invites.ts';
import { journalStore } from './journal.ts';
import { memberStore } from './members.ts';
import { migrate } from './migrate.ts';
import { outboxStore } from './outbox.ts';
import { peerStore } from './peers.ts';
import { quarantineStore } from './quarantine.ts';
import { rollStore } from './roll.ts';
import { ticketStore } from './tickets.ts';

export interface SqliteOptions {
  /** Path of the database; its directory exists. The log and index beside it (`-wal`, `-shm`) get the same mode, 0600. */
  readonly file: string;
  readonly clock?: Clock;
  readonly watch?: CommitWatch;
}

/** Opens or creates the database and brings its schema up to date. Throws `database`, `newer_schema`. */
export function openSqlite({ file, clock = systemClock, watch }: SqliteOptions): Stores {
  const db = open(file);
  const checkpoints = new Checkpoints(db, file);
  const commits = new Commits(db, clock, {
    committed: (ms) => {
      checkpoints.committed();
      watch?.committed(ms);
    },
    failed: () => watch?.failed(),
  });
  return {
    journal: journalStore(db, commits),
    inbox: inboxStore(db, commits),
    outbox: outboxStore(db, commits),
    peers: peerStore(db, commits),
    quarantine: quarantineStore(db, commits),
    members: memberStore(db, commits, clock),
    roll: rollStore(db, commits),
    invites: inviteStore(db, commits),
    tickets: ticketStore(db, commits),
    facts: factStore(db, commits),
    async close() {
      if (!db.open) return;
      commits.close();
      await checkpoints.close();
      // The last connection to close copies the log and removes it.
      db.close();
    },
  };
}

function open(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    // Before SQLite makes it with the process's umask: it holds who talks to whom.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    db = new Database(file, { timeout: 5_000 });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    migrate(db);
    // SQLite sleeps in its busy wait with the loop; from here on the commit queue waits instead.
    db.pragma('busy_timeout = 5');
    return db;
  } catch (error) {
    db?.close();
    const coded = asVolly(error);
    throw coded.code === 'database' ? new VollyError('database', `${file}: ${coded.message}`, { cause: error }) : coded;
  }
}
