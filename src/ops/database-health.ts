/**
 * Whether the database can be written. Each commit shows it; where none was for a while and somebody asks, a tiny one of our own does. So a
 * bridge that is busy pays nothing for it, and one that nobody asks writes nothing.
 */
import type { Clock } from '../clock.ts';
import type { Counters } from '../routing/ports.ts';

/** What a commit has shown stays true for so long. */
const SHOWN_MS = 8_000;
/** Another program may hold the database for 5 s before a commit fails: whoever asks for readiness does not wait for that. */
const PATIENCE_MS = 1_000;

export class DatabaseHealth {
  readonly #clock: Clock;
  readonly #counters: Counters;
  #works = true;
  #shownAt = Number.NEGATIVE_INFINITY;
  #probe: Promise<void> | undefined;

  constructor(clock: Clock, counters: Counters) {
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Told of each commit, and how long it took. */
  committed(ms: number): void {
    this.#counters.observe('database_commit_seconds', ms / 1_000);
    this.#works = true;
    this.#shownAt = this.#clock.monotonic();
  }

  /** Told of one that failed for good. */
  failed(): void {
    this.#counters.count('database_commits_failed');
    this.#works = false;
  }

  /** `write` is to keep its text, another one each time: what is there already SQLite does not write again. Takes 1 s at most. */
  async check(write: (text: string) => Promise<unknown>): Promise<boolean> {
    if (this.#works && this.#clock.monotonic() - this.#shownAt < SHOWN_MS) return true;
    // One at a time, of all who ask.
    this.#probe ??= write(crypto.randomUUID())
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        this.#probe = undefined;
      });
    return (await this.#inTime(this.#probe)) && this.#works;
  }

  async #inTime(work: Promise<void>): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#clock.after(PATIENCE_MS, () => resolve(false));
    try {
      return await Promise.race([work.then(() => true), late]);
    } finally {
      cancel();
    }
  }
}
