/** Ends what no device took by its end, and forgets what need not be remembered. */
import type { Clock } from '../clock.ts';
import type { InboxRow, OutboxStore } from '../storage/types.ts';
import type { Ends } from './ends.ts';
import type { Inbox } from './inbox.ts';
import type { Lives } from './lives.ts';
import type { Counters } from './ports.ts';

const SWEEP_MS = 1_000;
const FORGET_EVERY_SWEEPS = 60;

export interface SweeperOptions {
  readonly inbox: Inbox;
  readonly outbox: Pick<OutboxStore, 'forget'>;
  readonly ends: Ends;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly counters: Counters;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  /** Out of the inbox, and their senders do not know. */
  #untold: InboxRow[] = [];
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

  async #sweep(): Promise<void> {
    const { inbox, outbox, ends, lives, counters } = this.#options;
    try {
      this.#untold.push(...(await inbox.expire(lives.now())));
      if (++this.#sweeps % FORGET_EVERY_SWEEPS === 0) await outbox.forget(lives.now());
    } catch {
      counters.count('sweep_failed');
    }
    // Together, so that those for own devices share commits; what fails is told by the next sweep.
    const told = await Promise.allSettled(this.#untold.map((row) => ends.tell(row, 'undeliverable')));
    this.#untold = this.#untold.filter((_, i) => told[i]!.status === 'rejected');
  }
}
