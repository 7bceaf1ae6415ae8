/**
 * Moves the write-ahead log into the database file away from the hot path. SQLite would do it inside the commit that makes the log
 * 4 MB long, some 10–20 ms of a standing loop; here a second thread copies the bulk while this one goes on writing, and this one
 * copies only what was added meanwhile, which lets the log start anew.
 */
import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { moveLog } from './move-log.ts';

const LOG_BYTES = 4_194_304;
const LOOK_EVERY_COMMITS = 64;

export class Checkpoints {
  readonly #db: Database;
  readonly #file: string;
  #commits = 0;
  #worker: Worker | undefined;
  #running = false;

  constructor(db: Database, file: string) {
    this.#db = db;
    this.#file = file;
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('journal_size_limit = 16777216');
  }

  /** After each commit; never throws: that would make a commit look as if it had failed. */
  committed(): void {
    if (++this.#commits % LOOK_EVERY_COMMITS !== 0 || this.#running) return;
    try {
      // Before it is needed: its 25 MB are there from a bridge's first minute on, not as a step some day later.
      const thread = this.#thread();
      if ((statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0) < LOG_BYTES) return;
      this.#running = true;
      thread.postMessage('checkpoint');
    } catch {
      // No thread can be had.
      this.#giveUp();
    }
  }

  async close(): Promise<void> {
    this.#running = true;
    await this.#worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./checkpoint-thread.${extension}`, import.meta.url), { workerData: this.#file });
    worker.on('error', () => this.#giveUp());
    worker.on('message', () => {
      if (this.#db.open) moveLog(this.#db);
      this.#running = false;
    });
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  /** A log that is not moved only grows; SQLite's own way is slower but always there. */
  #giveUp(): void {
    this.#running = true;
    if (this.#db.open) this.#db.pragma('wal_autocheckpoint = 1000');
  }
}
