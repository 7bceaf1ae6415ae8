/**
 * Whether the homeserver answers, and whether it reaches this bridge: asked every few seconds, beside the long poll. A poll that hangs is
 * given up only after 20 s, so that a homeserver under load is not asked anew for everything; a load balancer wants to know sooner.
 */
import type { Clock } from '../clock.ts';
import type { Log } from '../routing/ports.ts';
import { pause } from './backoff.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';
import { type CallsBack, ping } from './ping.ts';

/** With two requests that are not answered, 8 s: `/ready` promises 10 s. */
const EVERY_MS = 3_000;
const ANSWER_MS = 2_500;
/** Of a homeserver that is away. */
const AWAY_MS = 1_000;

export interface PulseOptions {
  readonly client: Pick<HomeserverClient, 'request'>;
  /** Of the registration. */
  readonly id: string;
  readonly clock: Clock;
  readonly log: Log;
  /** It answers again after it did not: what was asked meanwhile may hang. */
  readonly onBack: () => void;
}

export interface PulseState {
  readonly answers: boolean;
  readonly callsBack: CallsBack;
}

export class Pulse {
  readonly #options: PulseOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #answers = true;
  #callsBack: CallsBack = 'unknown';
  /** Asked anew after each outage: another version may have it. */
  #hasPing = true;
  /** A homeserver that answers all but the ping: once may be load. */
  #doubtful = false;
  /** One line an outage. */
  #told = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Until the first beat a homeserver counts as one that answers: whether it is there, the receiver knows. */
  get state(): PulseState {
    return { answers: this.#answers, callsBack: this.#callsBack };
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) await pause(this.#options.clock, await this.#beat(), signal);
  }

  /** Returns how long until the next one. */
  async #beat(): Promise<number> {
    const { client, id } = this.#options;
    const { signal } = this.#stop;
    const answer = this.#hasPing ? await ping(client, id, ANSWER_MS, signal) : undefined;
    const answers = answer !== undefined || (await this.#isThere());
    if (signal.aborted) return 0;
    if (!answers) return this.#away();
    if (!this.#answers) this.#options.onBack();
    this.#answers = true;
    if (answer?.callsBack === 'unknown') this.#hasPing = false;
    const unanswered = answer === undefined && this.#hasPing;
    if (unanswered && !this.#doubtful) {
      this.#doubtful = true;
      return 0;
    }
    this.#doubtful = false;
    if (unanswered) this.#say('no', 'the homeserver gets no answer from this bridge at appservice.url');
    else if (answer?.callsBack !== undefined) this.#say(answer.callsBack, answer.reason);
    return EVERY_MS;
  }

  async #isThere(): Promise<boolean> {
    const { client } = this.#options;
    const path = '/_matrix/client/versions';
    try {
      await client.request({
        ...{ method: 'GET', step: 'pulse', path, timeoutMs: ANSWER_MS, as: 'service', signal: this.#stop.signal },
      });
      return true;
    } catch (error) {
      return error instanceof HomeserverError && error.status !== undefined && error.status < 500;
    }
  }

  #away(): number {
    this.#answers = false;
    this.#callsBack = 'unknown';
    this.#hasPing = true;
    this.#doubtful = false;
    return AWAY_MS;
  }

  #say(callsBack: CallsBack, reason = ''): void {
    const { log } = this.#options;
    this.#callsBack = callsBack;
    if (callsBack === 'no' && !this.#told) log.warn(`${reason}; calls work, the admin room does not`);
    if (callsBack === 'yes' && this.#told) log.info('the homeserver reaches this bridge again');
    this.#told = callsBack === 'no';
  }
}
