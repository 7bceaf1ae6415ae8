/** Ends what no device took by its end, and forgets what need not be remembered. */
import type { Clock } from '../clock.ts';
import type { InboxStore, OutboxStore } from '../storage/types.ts';
import type { Ends } from './ends.ts';
import type { Inbox } from './inbox.ts';
import type { Lives } from './lives.ts';
import type { Counters } from './ports.ts';

const SWEEP_MS = 1_000;
const FORGET_EVERY_SWEEPS = 60;
/** Rows ended together, and ids forgotten together: those cost 100 bytes, and the ends of the former share commits. */
const ROWS = 100;
const IDS = 1_000;

export interface SweeperOptions {
  readonly store: Pick<InboxStore, 'expired' | 'remove' | 'forget'>;
  readonly inbox: Pick<Inbox, 'mayHaveArrived' | 'tidy'>;
  readonly outbox: Pick<OutboxStore, 'forget'>;
  readonly ends: Ends;
  readonly lives: Lives;
  /** Each minute: the next run must not fall behind this one. */
  readonly keepTime: () => Promise<void>;
  readonly clock: Clock;
  readonly counters: Counters;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #sweeps = 0;
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(SWEEP_MS, () => {
      this.#sweeping = this.#sweep().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  /** What fails stays as it was, for the next sweep. */
  async #sweep(): Promise<void> {
    const { store, inbox, outbox, lives, counters } = this.#options;
    try {
      while ((await this.#end()) === ROWS && !this.#stopped);
      while ((await store.forget(lives.now(), IDS)) === IDS && !this.#stopped);
      if (++this.#sweeps % FORGET_EVERY_SWEEPS !== 0) return;
      inbox.tidy();
      await this.#options.keepTime();
      await outbox.forget(lives.now());
    } catch {
      counters.count('sweep_failed');
    }
  }

  /** Tells, then removes: a crash in between tells again, under the same id. */
  async #end(): Promise<number> {
    const { store, inbox, ends, lives } = this.#options;
    const rows = await store.expired(lives.now(), ROWS);
    if (rows.length === 0) return 0;
    const reasonOf = (row: (typeof rows)[number]) => (inbox.mayHaveArrived(row) ? 'unconfirmed' : 'undeliverable');
    const told = await Promise.allSettled(rows.map((row) => ends.tellIfRoom(row, reasonOf(row))));
    await store.remove(rows.filter((_, i) => told[i]!.status === 'fulfilled'));
    for (const one of told) if (one.status === 'rejected') throw one.reason;
    return rows.length;
  }
}
