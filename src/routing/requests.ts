/**
 * The requests under way to one peer. One costs both homeservers the same whether it holds one envelope or 60 kB, so one is under way
 * at a time and what comes meanwhile shares the next; more only while whole events wait, and one beside them for what is urgent.
 */
import type { RandomBytes } from '../clock.ts';
import { codeOf } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { neverLeft, type OrderedCarriers, retryAfterOf } from './carriers.ts';
import type { Entry } from './entries.ts';
import type { Lives } from './lives.ts';
import type { Counters, Steps } from './ports.ts';
import { pauseAfter } from './repeats.ts';

export interface RequestsOptions {
  readonly carrier: Pick<OrderedCarriers, 'send' | 'wake'>;
  readonly lives: Lives;
  readonly random: RandomBytes;
  readonly counters: Counters;
  readonly steps: Steps;
}

export class Requests {
  readonly #peer: ServerName;
  readonly #options: RequestsOptions;
  readonly #ended: (event: readonly Entry[], succeeded: boolean) => void;
  readonly #underWay = new Set<Promise<void>>();
  /** Those of `#underWay` that were begun as urgent: none, or one. */
  #urgent = 0;
  #failures = 0;
  #pausedUntil = 0;
  /** Until then the carriers asked to be left alone. */
  #restUntil = 0;

  constructor(peer: ServerName, options: RequestsOptions, ended: (event: readonly Entry[], succeeded: boolean) => void) {
    this.#peer = peer;
    this.#options = options;
    this.#ended = ended;
  }

  /** Nothing is under way and no pause to be remembered. */
  get idle(): boolean {
    return this.#underWay.size === 0 && !this.#paused();
  }

  /** Since the last request failed the next is a trial, of one envelope: an event sent to a homeserver that hangs is sent again. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  mayBegin(wholeEventWaits: boolean): boolean {
    if (this.#paused()) return false;
    if (this.failing) return this.#underWay.size === 0;
    return this.#underWay.size - this.#urgent < (wholeEventWaits ? LIMITS.requestsPerPeer : 1);
  }

  mayBeginUrgent(): boolean {
    return !this.#paused() && !this.failing && this.#urgent === 0;
  }

  begin(event: readonly Entry[], urgent = false): void {
    if (urgent) this.#urgent++;
    for (const entry of event) {
      entry.sending = true;
      entry.tries++;
    }
    const encoded = event.map((entry) => entry.encoded);
    const begun = this.#options.lives.now();
    const request = this.#options.carrier
      .send(this.#peer, event[0]!.type, encoded)
      .then(
        (carrier) => this.#succeeded(event, carrier, begun),
        (error) => this.#failed(event, error, begun),
      )
      .then((succeeded) => {
        this.#underWay.delete(request);
        if (urgent) this.#urgent--;
        this.#ended(event, succeeded);
      });
    this.#underWay.add(request);
  }

  /** The peer is known to be there: no more pause, but for one that was asked for. */
  resume(): void {
    this.#pausedUntil = this.#restUntil;
  }

  /** Resolves when none is under way, also of those that the ended ones made room for. */
  async drained(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #paused(): boolean {
    return this.#options.lives.now() < this.#pausedUntil;
  }

  #succeeded(event: readonly Entry[], carrier: string, begun: number): boolean {
    const { counters, lives, steps } = this.#options;
    this.#failures = 0;
    for (const entry of event) {
      entry.left = true;
      entry.carrier ??= carrier;
      counters.count('envelopes_sent', { attempt: entry.tries === 1 ? 'first' : 'repeat' });
      steps.step('sent', entry, { carrier, attempt: entry.tries, ms: lives.now() - begun });
    }
    return true;
  }

  #failed(event: readonly Entry[], error: unknown, begun: number): boolean {
    const { counters, lives, random, steps } = this.#options;
    counters.count('send_failed');
    for (const entry of event) {
      entry.left ||= !neverLeft(error);
      steps.step('not_sent', entry, { attempt: entry.tries, code: codeOf(error) ?? 'bug', ms: lives.now() - begun });
    }
    // The next request would most likely fail too, and a homeserver in trouble is not helped by more of them.
    const asked = retryAfterOf(error);
    if (asked > 0) {
      this.#restUntil = Math.max(this.#restUntil, lives.now() + asked);
      this.#pausedUntil = this.#restUntil;
      // One that names its time is not asked ever less often.
      this.#failures ||= 1;
    } else this.#pausedUntil = lives.now() + pauseAfter(++this.#failures, random);
    return false;
  }
}
