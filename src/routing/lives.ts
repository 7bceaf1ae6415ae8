/**
 * How long envelopes live. `expires` is compared with the wall clock once, when an envelope is accepted; from then on its remaining
 * life is counted on a clock that never jumps (PROTOCOL.md section 15), so that a clock step neither kills nor revives what waits.
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Envelope, EnvelopeType } from '../protocol/envelope.ts';

/** The longest `expires` of a type. Types not named are messages of a call. */
const LIVES: Partial<Readonly<Record<EnvelopeType, number>>> = {
  'app.volly.call.offer': LIMITS.offerLifeMs,
  'app.volly.call.hangup': LIMITS.hangupLifeMs,
  'app.volly.presence': LIMITS.presenceLifeMs,
  'app.volly.presence.subscribe': LIMITS.grantLifeMs,
  'app.volly.presence.grant': LIMITS.grantLifeMs,
  'app.volly.keys.query': LIMITS.keysLifeMs,
  'app.volly.keys.bundle': LIMITS.keysLifeMs,
  'app.volly.undeliverable': LIMITS.endLifeMs,
};
/** True whenever they come: judging them by a clock that may be wrong would lose acks, and hide the skew that a hello shows. */
const TIMELESS: ReadonlySet<EnvelopeType> = new Set(['app.volly.ack', 'app.volly.undeliverable', 'app.volly.hello']);

export const lifeOf = (type: EnvelopeType): number => LIVES[type] ?? LIMITS.messageLifeMs;

export class Lives {
  readonly #clock: Clock;
  #offset: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = clock.now() - clock.monotonic();
  }

  /**
   * Where an earlier run's `now()` had come to: this one goes on from there if the wall clock was set back meanwhile, or rows would live as
   * much longer. Before anything else is asked of it.
   */
  goOnFrom(earlier: number): void {
    this.#offset += Math.max(0, earlier - this.now());
  }

  /** Unix time as it was at start, gone on without jumps. The end of every row in the stores is on this clock. */
  now(): number {
    return Math.round(this.#offset + this.#clock.monotonic());
  }

  /** For envelopes made here: their `expires`, which other servers compare with their wall clock. */
  expires(type: EnvelopeType): number {
    return this.#clock.now() + lifeOf(type);
  }

  /** The end of an envelope on `now()`'s clock. Throws `expired`, or `clock_skew` when it would live longer than its type may. */
  deadline(envelope: Envelope): number {
    const life = lifeOf(envelope.type);
    if (TIMELESS.has(envelope.type)) return this.now() + life;
    const left = envelope.expires - this.#clock.now();
    if (left <= 0) throw new VollyError('expired', envelope.type);
    if (left > life + LIMITS.futureMs) throw new VollyError('clock_skew', `${envelope.type} lives too long`);
    return this.now() + Math.min(left, life);
  }
}
