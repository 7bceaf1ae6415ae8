/**
 * How long calls take to be set up and how offers end, from the outsides of envelopes: an offer from one device to another, and the first word
 * the other way. One for each device that is called.
 */
import type { Clock } from '../clock.ts';
import { type DeviceAddress, memberOf, type ServerName, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Counters, Passing, Step, StepDetails, Steps } from '../routing/ports.ts';

/** An offer lives for 60 s; a word on its end may take some more. */
const WAIT_MS = 70_000;
const OFFER = 'app.volly.call.offer';
/** Type of the first word → how the offer ended by it. */
const OUTCOMES: Readonly<Record<string, string>> = {
  'app.volly.call.answer': 'answered',
  'app.volly.call.reject': 'rejected',
  'app.volly.call.hangup': 'hung_up',
};

interface Offer {
  readonly id: string;
  readonly at: number;
  readonly side: 'caller' | 'callee';
  rang: boolean;
}

export class CallTimes implements Steps {
  readonly #own: ServerName;
  readonly #clock: Clock;
  readonly #counters: Counters;
  /** `from to` → the latest offer, in order of their times. */
  readonly #offers = new Map<string, Offer>();

  constructor(own: ServerName, clock: Clock, counters: Counters) {
    this.#own = own;
    this.#clock = clock;
    this.#counters = counters;
  }

  step(step: Step, envelope: Passing, details?: StepDetails): void {
    if (step === 'routed' && envelope.type?.startsWith('app.volly.call.')) this.#routed(envelope);
    else if (step === 'ended' && (envelope.type ?? OFFER) === OFFER) this.#ended(envelope, details?.code);
  }

  #routed({ id, type, from, to }: Passing): void {
    this.#forget();
    const [there, back] = [`${from} ${to}`, `${to} ${from}`];
    if (type === OFFER) {
      const side = serverOf(memberOf(from as DeviceAddress)) === this.#own ? 'caller' : 'callee';
      this.#offers.delete(there);
      this.#offers.set(there, { id, at: this.#clock.monotonic(), side, rang: false });
    } else if (type === 'app.volly.call.ringing') this.#rings(back);
    else this.#told(OUTCOMES[type ?? ''], type === 'app.volly.call.hangup' && this.#offers.has(there) ? there : back);
  }

  #rings(key: string): void {
    const offer = this.#offers.get(key);
    if (!offer || offer.rang) return;
    offer.rang = true;
    this.#setUp(offer, 'ringing');
  }

  #told(outcome: string | undefined, key: string): void {
    const offer = this.#offers.get(key);
    if (!offer || outcome === undefined) return;
    this.#offers.delete(key);
    if (outcome === 'answered') this.#setUp(offer, 'answer');
    this.#count(offer, outcome);
  }

  /** Of an end that the other bridge told only id and sender are known: looked for among those that wait, as it is rare. */
  #ended({ id, from }: Passing, code: string | undefined): void {
    for (const [key, offer] of this.#offers)
      if (offer.id === id && key.startsWith(`${from} `)) {
        this.#offers.delete(key);
        this.#count(offer, code === 'undeliverable' ? 'unanswered' : 'undelivered');
        return;
      }
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    for (const [key, offer] of this.#offers) {
      const over = now - offer.at >= WAIT_MS;
      if (!over && this.#offers.size < LIMITS.offersTimed) return;
      this.#offers.delete(key);
      if (over) this.#count(offer, 'unanswered');
    }
  }

  #setUp({ at, side }: Offer, until: 'ringing' | 'answer'): void {
    this.#counters.observe('call_setup_seconds', (this.#clock.monotonic() - at) / 1_000, { until, side });
  }

  #count({ side }: Offer, outcome: string): void {
    this.#counters.count('call_outcomes', { outcome, side });
  }
}
