/** Several carriers as one: tried in order, so that a call falls back by itself. Ids are deduped across carriers at the other end. */
import type { Clock } from '../clock.ts';
import { codeOf, type ErrorCode, VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeType } from '../protocol/envelope.ts';
import type { Carrier, Counters } from './ports.ts';

const NEVER_LEFT: ReadonlySet<ErrorCode> = new Set([
  'peer_unreachable',
  'homeserver_absent',
  'homeserver_refused',
  'rate_limited',
]);

/** Whether a failed send is certain to have moved nothing. */
export const neverLeft = (error: unknown): boolean => error instanceof VollyError && NEVER_LEFT.has(error.code);

/** How long a failed carrier asked to be left alone, if it did. */
export function retryAfterOf(error: unknown): number {
  const ms = (error as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return typeof ms === 'number' && ms > 0 ? ms : 0;
}

/** No carrier could. The code tells whether anything may have left; `retryAfterMs` is how long none of them may be tried. */
class NoneCarried extends VollyError {
  readonly retryAfterMs: number;

  constructor(failure: unknown, retryAfterMs: number) {
    super(codeOf(failure) ?? 'homeserver_unreachable', 'no carrier', { cause: failure });
    this.retryAfterMs = retryAfterMs;
  }
}

/** A carrier that is left alone while it asks for that, for each peer by itself, and given up when it does not answer. */
class Attempts {
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #counters: Counters;
  /** Peer → when it may be tried again, on the monotonic clock. */
  readonly #held = new Map<ServerName, number>();

  constructor(carrier: Carrier, clock: Clock, counters: Counters) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#counters = counters;
  }

  get name(): string {
    return this.#carrier.name;
  }

  /** In ms; 0 when it may be tried. */
  heldFor(peer: ServerName): number {
    return Math.max(0, (this.#held.get(peer) ?? 0) - this.#clock.monotonic());
  }

  async send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<void> {
    if (this.heldFor(peer) > 0) throw new VollyError('rate_limited', this.#carrier.name);
    this.#held.delete(peer);
    const begun = this.#clock.monotonic();
    try {
      await this.#inTime(this.#carrier.send(peer, type, encoded));
      this.#tell('ok', begun);
    } catch (error) {
      this.#tell(codeOf(error) ?? 'bug', begun);
      this.#hold(peer, retryAfterOf(error));
      throw error;
    }
  }

  #tell(result: string, begun: number): void {
    const carrier = this.#carrier.name;
    this.#counters.count('carrier_requests', { carrier, result });
    if (result === 'ok')
      this.#counters.observe('carrier_request_seconds', (this.#clock.monotonic() - begun) / 1_000, { carrier });
  }

  #hold(peer: ServerName, ms: number): void {
    if (ms === 0) return;
    this.#held.set(peer, this.#clock.monotonic() + ms);
    if (this.#held.size > LIMITS.peers) this.#held.delete(this.#held.keys().next().value!);
  }

  #inTime(sending: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new VollyError('timed_out', this.#carrier.name));
      const cancel = this.#clock.after(this.#carrier.timeoutMs, late);
      sending.then(resolve, reject).finally(cancel);
    });
  }
}

export class OrderedCarriers {
  readonly #carriers: readonly Carrier[];
  readonly #attempts: readonly Attempts[];
  readonly #counters: Counters;

  constructor(carriers: readonly Carrier[], clock: Clock, counters: Counters) {
    this.#carriers = carriers;
    this.#attempts = carriers.map((carrier) => new Attempts(carrier, clock, counters));
    this.#counters = counters;
  }

  /**
   * Resolves with the name of the carrier that took them. Rejects with the code of the last carrier's error, or of the first one after which
   * the envelopes may have left.
   */
  async send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<string> {
    let failure: unknown = new VollyError('peer_unreachable');
    for (const attempts of this.#attempts) {
      try {
        await attempts.send(peer, type, encoded);
        return attempts.name;
      } catch (error) {
        if (neverLeft(failure)) failure = error;
      }
    }
    throw new NoneCarried(failure, Math.min(...this.#attempts.map((attempts) => attempts.heldFor(peer))));
  }

  async wake(peer: ServerName): Promise<boolean> {
    const answers = await Promise.allSettled(this.#carriers.map((carrier) => carrier.wake(peer)));
    const answered = answers.some((answer) => answer.status === 'fulfilled' && answer.value);
    this.#counters.count('wakes', { result: answered ? 'answered' : 'unanswered' });
    if (answered) return true;
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    return false;
  }
}
