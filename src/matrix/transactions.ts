/**
 * What the homeserver pushes: room events, for the admin room. Envelopes never come this way. Journaled before the homeserver is
 * told 200, handled after it.
 */
import type { Clock } from '../clock.ts';
import { codeOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { JournalStore, QuarantineStore } from '../storage/types.ts';
import { parseObject } from './failure.ts';

export const TRANSACTIONS = 'transactions';

export interface TransactionsOptions {
  readonly journal: JournalStore;
  readonly quarantine: QuarantineStore;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  /**
   * Gets the room events of one transaction, unchecked. The same events can come again, after a crash here or a restored homeserver,
   * under another transaction id: whoever acts on them goes by event id.
   */
  readonly handle: (events: readonly unknown[]) => Promise<void>;
}

export class Transactions {
  readonly #options: TransactionsOptions;
  #handled: Promise<void> = Promise.resolve();
  #open = 0;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** Handles what was journaled before. Throws `database`. */
  async start(): Promise<void> {
    for (const { entry, raw } of await this.#options.journal.pending(TRANSACTIONS)) this.#begin(entry, eventsOf(raw));
  }

  async stop(): Promise<void> {
    await this.#handled;
  }

  /** Resolves once it is durable, or quarantined for not being a transaction. Throws `database`: then, and only then, no 200. */
  async accept(raw: string): Promise<void> {
    const events = eventsOf(raw);
    if (events === undefined) return this.refuse('bad_encoding', raw);
    if (events.length === 0) return;
    if (this.#open >= LIMITS.journalRows) await this.#handled;
    this.#begin(await this.#options.journal.append(TRANSACTIONS, raw), events);
  }

  /** Content that is answered 200 all the same: anything else would be sent again for ever, and all behind it would wait. */
  async refuse(code: 'bad_encoding' | 'too_large', content: string): Promise<void> {
    const { clock, counters, log, quarantine } = this.#options;
    counters.count('transaction_refused', { code });
    log.warn('a transaction of the homeserver was refused', { code });
    await quarantine.add({ at: clock.now(), source: TRANSACTIONS, code, content: content.slice(0, LIMITS.envelopeBytes) });
  }

  #begin(entry: number, events: readonly unknown[] | undefined): void {
    const { handle, journal, log } = this.#options;
    this.#open++;
    this.#handled = this.#handled.then(async () => {
      try {
        await handle(events ?? []);
        await journal.done(entry);
      } catch (error) {
        // One that a stop interrupted is handled at the next start.
        if (codeOf(error) !== 'shutting_down')
          log.warn('handling a transaction failed', { reason: error instanceof Error ? error.message : typeof error });
      }
      this.#open--;
    });
  }
}

/** Undefined for what is not a transaction. */
function eventsOf(raw: string): readonly unknown[] | undefined {
  const events = parseObject(raw)['events'];
  return Array.isArray(events) ? events : undefined;
}
