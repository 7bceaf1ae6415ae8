/** What a bridge asked of its homeserver: how often, how many envelopes, and whether it stayed away when it was asked to. */
import { type Clock, systemClock } from '../../../src/clock.ts';
import { envelopesOf } from '../../federation/wire.ts';

/** A request that was on its way when its kind was refused did not know; on a busy machine it may lie in a socket for a while. */
const CROSSING_MS = 500;

export class Tally {
  /** Requests by kind. */
  readonly requests = new Map<string, number>();
  /** Faults by what they did. */
  readonly faults = new Map<string, number>();
  /** Envelopes in requests to send, and how many different ones. */
  sends = 0;
  readonly #sent = new Set<string>();
  /** Requests of a kind that was asked to stay away at that time. */
  early = 0;
  readonly #away = new Map<string, { readonly from: number; readonly until: number }>();

  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get envelopes(): number {
    return this.#sent.size;
  }

  /** Envelopes sent for each that there was; NaN before the first. */
  get sendsPerEnvelope(): number {
    return this.sends / this.#sent.size;
  }

  asked(kind: string, path: string, body: Buffer): void {
    this.requests.set(kind, (this.requests.get(kind) ?? 0) + 1);
    const now = this.#clock.monotonic();
    const { from = 0, until = 0 } = this.#away.get(kind) ?? {};
    if (now > from && now < until) this.early++;
    if (kind === 'sendToDevice' && !path.includes('/app.volly.echo/')) this.#countEnvelopes(body);
  }

  faulted(what: string): void {
    this.faults.set(what, (this.faults.get(what) ?? 0) + 1);
  }

  /** An answer just asked whoever it goes to to stay away from this kind. */
  sentAway(kind: string, ms: number): void {
    const now = this.#clock.monotonic();
    this.#away.set(kind, { from: now + CROSSING_MS, until: Math.max(this.#away.get(kind)?.until ?? 0, now + ms) });
  }

  #countEnvelopes(body: Buffer): void {
    const { messages = {} } = JSON.parse(body.toString()) as { messages?: Record<string, Record<string, unknown>> };
    const contents = Object.values(messages).flatMap((devices) => Object.values(devices));
    for (const { id } of contents.flatMap((content) => envelopesOf(content))) {
      this.sends++;
      this.#sent.add(String(id));
    }
  }
}
