/** Several carriers as one: tried in order, so that a call falls back by itself. Ids are deduped across carriers at the other end. */
import type { Clock } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeType } from '../protocol/envelope.ts';
import type { Carrier } from './ports.ts';

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

export class OrderedCarriers implements Carrier {
  readonly name = 'ordered';
  readonly #carriers: readonly Carrier[];
  readonly #clock: Clock;

  constructor(carriers: readonly Carrier[], clock: Clock) {
    this.#carriers = carriers;
    this.#clock = clock;
  }

  /** Rejects with the last carrier's error, or with the first one after which the envelopes may have left. */
  async send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<void> {
    let failure: unknown;
    for (const carrier of this.#carriers) {
      try {
        return await this.#inTime(carrier.send(peer, type, encoded));
      } catch (error) {
        if (failure === undefined || neverLeft(failure)) failure = error;
      }
    }
    throw failure ?? new VollyError('peer_unreachable', 'no carrier');
  }

  async wake(peer: ServerName): Promise<boolean> {
    const answers = await Promise.allSettled(this.#carriers.map((carrier) => carrier.wake(peer)));
    return answers.some((answer) => answer.status === 'fulfilled' && answer.value);
  }

  #inTime(sending: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(LIMITS.carrierMs, () => reject(new VollyError('timed_out', 'carrier')));
      sending.then(resolve, reject).finally(cancel);
    });
  }
}
