/**
 * Group commit. A synchronous commit waits for the disk and holds the event loop meanwhile (165 µs for one row, 0.4 ms for ten,
 * tails to 19 ms for a hundred), so changes of one turn of the loop share a commit, a commit stays small, and sockets get their
 * turn between two of them. Under load changes gather while the loop is busy and commits fill up by themselves; no timer waits, except
 * for what only tidies up: that goes along with the next commit that somebody needs.
 */
import type { Database } from 'better-sqlite3';
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';

const CHANGES_PER_COMMIT = 20;
/** How long tidying waits for a commit to go along with. A crash in this time leaves what would have been left a moment earlier, too. */
const TIDY_MS = 50;
/** Another process holds the database: try again this often, the loop free in between, and give up after BUSY_TRIES. */
const BUSY_RETRY_MS = 50;
const BUSY_TRIES = 100;

interface Change {
  readonly work: () => unknown;
  readonly settle: (outcome: Outcome) => void;
}

/** Told of commits; it never throws. */
export interface CommitWatch {
  /** After each, before its callers go on: how long it took. */
  committed(ms: number): void;
  /** One failed for good. */
  failed(): void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? 'unknown');
const isBusy = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_BUSY');
/** The disk's, not that of a change which the schema or its store refuses. */
const isOfDisk = (outcome: Outcome): boolean => 'error' in outcome && /^SQLITE_(?!CONSTRAINT)/.test(codeOf(outcome.error));

/** Errors of the database become `database` with SQLite's code; a store's own refusals pass unchanged. */
export const asVolly = (error: unknown): VollyError =>
  error instanceof VollyError ? error : new VollyError('database', codeOf(error), { cause: error });

export class Commits {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #watch: CommitWatch | undefined;
  readonly #step: Readonly<Record<'begin' | 'commit' | 'rollback' | 'save' | 'release' | 'undo', () => unknown>>;
  #queue: Change[] = [];
  #scheduled = false;
  #cancelTidy: (() => void) | undefined;
  #busyTries = 0;
  #closed = false;

  constructor(db: Database, clock: Clock, watch?: CommitWatch) {
    this.#db = db;
    this.#clock = clock;
    this.#watch = watch;
    const step = (sql: string) => {
      const statement = db.prepare(sql);
      return () => statement.run();
    };
    this.#step = {
      begin: step('BEGIN IMMEDIATE'),
      commit: step('COMMIT'),
      rollback: step('ROLLBACK'),
      save: step('SAVEPOINT change'),
      release: step('RELEASE change'),
      undo: step('ROLLBACK TO change'),
    };
  }

  /** Runs `work` inside a commit shared with others, in order of the calls. Resolves with its result once that is on disk. */
  change<T>(work: () => T): Promise<T> {
    const changed = this.#add(work);
    this.#schedule();
    return changed;
  }

  /** As `change`, in its place among them, for what nobody waits for and a restart would find to do again: never costs the disk a wait of its own. */
  tidy<T>(work: () => T): Promise<T> {
    const changed = this.#add(work);
    if (this.#queue.length >= CHANGES_PER_COMMIT) this.#schedule();
    else this.#cancelTidy ??= this.#clock.after(TIDY_MS, () => this.#schedule());
    return changed;
  }

  /** Reads what is committed; changes still in the queue are not seen. */
  async read<T>(query: () => T): Promise<T> {
    try {
      return query();
    } catch (error) {
      throw asVolly(error);
    }
  }

  /** Commits what waits; later changes are refused. */
  close(): void {
    this.#closed = true;
    this.#cancelTidy?.();
    while (this.#queue.length > 0) this.#next(true);
  }

  #add<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new VollyError('database', 'closed'));
    return new Promise<T>((resolve, reject) => {
      const settle = (outcome: Outcome) => ('error' in outcome ? reject(asVolly(outcome.error)) : resolve(outcome.value as T));
      this.#queue.push({ work, settle });
    });
  }

  #schedule(): void {
    this.#cancelTidy?.();
    this.#cancelTidy = undefined;
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#queue.length === 0) return;
    if (!this.#next(++this.#busyTries >= BUSY_TRIES)) {
      this.#scheduled = true;
      this.#clock.after(BUSY_RETRY_MS, () => this.#turn());
      return;
    }
    this.#busyTries = 0;
    if (this.#queue.length > 0) this.#schedule();
  }

  /** One commit from the head of the queue. False when the database was busy and nothing happened; `last` makes that a failure. */
  #next(last: boolean): boolean {
    let group = this.#queue.slice(0, CHANGES_PER_COMMIT);
    let outcomes: readonly Outcome[];
    try {
      outcomes = this.#transact(group);
    } catch (error) {
      if (isBusy(error) && !last) return false;
      // Who came behind has waited too: were it left to wait its own turn, the queue would grow for as long as the database is busy.
      if (isBusy(error)) group = this.#queue;
      // The whole commit failed (a full disk, say). Each alone: one that is too large must not take its neighbours along.
      if (group.length === 1 || isBusy(error)) this.#watch?.failed();
      outcomes = group.length > 1 && !isBusy(error) ? group.map((change) => this.#alone(change)) : group.map(() => ({ error }));
    }
    this.#queue = this.#queue.slice(group.length);
    group.forEach((change, i) => {
      change.settle(outcomes[i]!);
    });
    return true;
  }

  #alone(change: Change): Outcome {
    try {
      return this.#transact([change])[0]!;
    } catch (error) {
      this.#watch?.failed();
      return { error };
    }
  }

  /** All or nothing, except that a change whose own work throws is undone alone. */
  #transact(group: readonly Change[]): readonly Outcome[] {
    const begun = this.#clock.monotonic();
    this.#step.begin();
    try {
      const outcomes = group.map((change) => this.#attempt(change));
      this.#step.commit();
      if (outcomes.some(isOfDisk)) this.#watch?.failed();
      else this.#watch?.committed(this.#clock.monotonic() - begun);
      return outcomes;
    } catch (error) {
      if (this.#db.inTransaction) this.#step.rollback();
      throw error;
    }
  }

  #attempt(change: Change): Outcome {
    this.#step.save();
    try {
      const value = change.work();
      this.#step.release();
      return { value };
    } catch (error) {
      // Some errors (disk full, I/O) make SQLite roll the whole transaction back: then nobody's change is left.
      if (!this.#db.inTransaction) throw error;
      this.#step.undo();
      this.#step.release();
      return { error };
    }
  }
}
