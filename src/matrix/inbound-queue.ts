/**
 * What is journaled and not yet routed. Entries are begun in order; within one, envelopes are handed to the router in order and without
 * waiting in between, so that their commits share one sync of the disk.
 */
import type { Clock } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { envelopeToJson } from '../protocol/envelope.ts';
import type { Counters, Log, Route } from '../routing/ports.ts';
import type { JournalStore, QuarantineStore } from '../storage/types.ts';
import { backoffMs, pause } from './backoff.ts';
import { refusalOf } from './codec.ts';
import type { Arrival, Inbound } from './inbound.ts';

/** Handed to the router together; more would only grow the commit that they wait for. */
const WINDOW = 64;
/** Tries of what a full queue refused, 6 s in all. Past it the sender, whom nobody acknowledged, repeats it by itself. */
const HELD_TRIES = 5;
/** Refusals that say nothing about the content: counted, not kept. */
const NOT_KEPT: ReadonlySet<ErrorCode> = new Set([
  'clock_skew', // of every envelope of a bridge whose clock is wrong, and of each repeat
  'denied_by_policy',
  'expired',
  'overloaded',
  'rate_limited',
  'replayed',
  'shutting_down',
  'unknown_member',
]);

export interface InboundQueueOptions {
  readonly journal: JournalStore;
  readonly quarantine: QuarantineStore;
  readonly route: Route;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  /** Aborting it leaves the rest to the journal. */
  readonly signal: AbortSignal;
}

interface Answer extends Inbound {
  /** Server → refusals that were quarantined. */
  readonly kept: Map<string, number>;
  /** It could not be journaled: no more work on it, it comes again. */
  lost: boolean;
}

export class InboundQueue {
  readonly #options: InboundQueueOptions;
  /** The first pass of every entry so far. */
  #passes: Promise<void> = Promise.resolve();
  readonly #unsettled = new Set<Promise<void>>();

  constructor(options: InboundQueueOptions) {
    this.#options = options;
  }

  /** Waits until fewer than LIMITS.journalRows entries are open: the homeserver keeps the rest. */
  async room(): Promise<void> {
    while (this.#unsettled.size >= LIMITS.journalRows) await Promise.race(this.#unsettled);
  }

  /** Entries of the journal that are not routed yet. */
  get size(): number {
    return this.#unsettled.size;
  }

  /** Resolves once each entry so far has been routed, but for what met a full queue. */
  async passed(): Promise<void> {
    await this.#passes;
  }

  async idle(): Promise<void> {
    await Promise.all(this.#unsettled);
  }

  /**
   * `journaled` is the entry's number, once it is on disk. Routing does not wait for that: an answer that cannot be journaled is still the
   * homeserver's to bring again, and what was routed of it is known by its ids then.
   */
  add(journaled: Promise<number>, inbound: Inbound): void {
    const answer: Answer = { ...inbound, kept: new Map(), lost: false };
    const entry = journaled.catch(() => {
      answer.lost = true;
      return undefined;
    });
    const first = this.#passes.then(() => this.#pass(answer.arrivals, answer));
    this.#passes = first.then(() => {});
    const settled = Promise.all([entry, first]).then(([number, held]) => this.#settle(number, answer, held));
    this.#unsettled.add(settled);
    settled.finally(() => this.#unsettled.delete(settled));
  }

  /** Routes in order; returns what met a full queue. A database that fails holds everything here: nothing behind may overtake. */
  async #pass(arrivals: readonly Arrival[], answer: Answer): Promise<Arrival[]> {
    const held: Arrival[] = [];
    for (let at = 0; at < arrivals.length; at += WINDOW) {
      let window = arrivals.slice(at, at + WINDOW);
      for (let failures = 1; window.length > 0 && !answer.lost && !this.#options.signal.aborted; failures++) {
        const outcomes = await Promise.all(window.map((arrival) => this.#route(arrival, answer)));
        held.push(...window.filter((_, i) => outcomes[i] === 'held'));
        window = window.filter((_, i) => outcomes[i] === 'again');
        if (window.length > 0) await pause(this.#options.clock, backoffMs(failures), this.#options.signal);
      }
    }
    return held;
  }

  async #route(arrival: Arrival, answer: Answer): Promise<'settled' | 'held' | 'again'> {
    try {
      await this.#options.route.route(arrival.envelope, { kind: 'server', server: arrival.server });
      return 'settled';
    } catch (error) {
      const { counters, log } = this.#options;
      const code = error instanceof VollyError ? error.code : undefined;
      counters.count('inbound_refused', { code: code ?? 'bug' });
      if (code === 'database') return 'again';
      if (code === 'overloaded') return 'held';
      if (code === undefined)
        log.warn('a bug while routing', { stack: error instanceof Error ? String(error.stack) : typeof error });
      if (code === undefined || !NOT_KEPT.has(code))
        // What a bug of ours refused may be released once it is mended, so all of it is kept.
        await this.#quarantine(
          arrival.server,
          refusalOf(error, code === undefined ? envelopeToJson(arrival.envelope) : summary(arrival)),
          answer,
        );
      return 'settled';
    }
  }

  /** Held envelopes are tried again beside the entries behind; once many wait so, one full queue must not stop the others. */
  async #settle(entry: number | undefined, answer: Answer, held: Arrival[]): Promise<void> {
    if (entry === undefined) return;
    const { refused, strangers } = answer;
    const { clock, counters, journal, signal } = this.#options;
    for (let i = 0; i < strangers; i++) counters.count('inbound_dropped', { reason: 'sender' });
    for (const refusal of refused) {
      counters.count('inbound_refused', { code: refusal.code });
      await this.#quarantine(refusal.source, refusal, answer);
    }
    for (let tries = 1; held.length > 0 && tries <= HELD_TRIES && this.#unsettled.size <= LIMITS.journalRows / 2; tries++) {
      await pause(clock, backoffMs(tries), signal);
      held = await this.#pass(held, answer);
    }
    if (signal.aborted) return;
    if (held.length > 0) counters.count('inbound_dropped', { reason: 'full' });
    // An entry that stays is routed once more at the next start, where its ids are known.
    await journal.done(entry).catch(() => counters.count('journal_failed'));
  }

  async #quarantine(source: string, { code, content }: { code: string; content: string }, { kept }: Answer): Promise<void> {
    const already = kept.get(source) ?? 0;
    if (already >= LIMITS.quarantinePerAnswer) return;
    kept.set(source, already + 1);
    const row = { at: this.#options.clock.now(), source, code, content };
    await this.#options.quarantine.add(row).catch(() => this.#options.counters.count('quarantine_failed'));
  }
}

/** The routable part: what is sealed tells the operator nothing. */
const summary = ({ envelope: { id, type, from, to, expires } }: Arrival): unknown => ({ id, type, from, to, expires });
