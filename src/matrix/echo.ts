/**
 * How the receiver knows that it hears: a message from the bridge user to its own device, a random nonce and nothing else, and the time
 * until it is back (PROTOCOL.md section 15). A homeserver that answers /sync and does not bring it is deaf, whatever status it answers with.
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { BRIDGE_DEVICE, bridgeUserOf, type ServerName } from '../ids.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';

export const ECHO_TYPE = 'app.volly.echo';

const INTERVAL_MS = 60_000;
/** A little less than a poll waits: the poll that began with an echo decides on it when it comes back with nothing. */
const PATIENCE_MS = 9_000;
/** A hundred times the usual way: the operator may want to look at the homeserver's load. */
const SLOW_MS = 2_000;

export interface EchoOptions {
  readonly client: Pick<HomeserverClient, 'request'>;
  readonly server: ServerName;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
}

interface Out {
  readonly nonce: string;
  /** Monotonic. */
  readonly sentAt: number;
  /** When the homeserver answered 200: from then on it is to blame. */
  takenAt?: number;
}

export class Echo {
  readonly #options: EchoOptions;
  /** One at a time: the next one takes its place. */
  #out: Out | undefined;
  #dueAt = 0;
  #refusal: HomeserverError | undefined;
  #lagMs: number | undefined;

  constructor(options: EchoOptions) {
    this.#options = options;
  }

  /** From sending the latest one that came back to its return; undefined before the first. */
  get lagMs(): number | undefined {
    return this.#lagMs;
  }

  /** Sends one where it is time for it, beside whatever else is under way. Before each poll: an echo without a poll proves nothing. */
  sendIfDue(signal: AbortSignal): void {
    const { client, server, clock, counters } = this.#options;
    const now = clock.monotonic();
    if (now < this.#dueAt) return;
    if (this.#out !== undefined) counters.count('echo_lost');
    const out: Out = { nonce: crypto.randomUUID(), sentAt: now };
    this.#out = out;
    // Jitter of a quarter: many bridges of one restarted machine do not stay in step.
    this.#dueAt = now + INTERVAL_MS * (0.75 + Math.random() / 2);
    client
      .request({
        method: 'PUT',
        step: 'sendToDevice',
        path: `/_matrix/client/v3/sendToDevice/${ECHO_TYPE}/${crypto.randomUUID()}`,
        body: JSON.stringify({ messages: { [bridgeUserOf(server)]: { [BRIDGE_DEVICE]: { nonce: out.nonce } } } }),
        signal,
      })
      .then(
        () => {
          out.takenAt = clock.monotonic();
        },
        (error: unknown) => {
          if (this.#out === out) this.#notSent(error);
        },
      );
  }

  /** Of an answer: the nonces in it. True when the one that is out has come back. */
  heard(nonces: readonly string[]): boolean {
    const { clock, log } = this.#options;
    const out = this.#out;
    if (out === undefined || !nonces.includes(out.nonce)) return false;
    this.#out = undefined;
    const lagMs = Math.round(clock.monotonic() - out.sentAt);
    if (lagMs > SLOW_MS && (this.#lagMs ?? 0) <= SLOW_MS) log.warn('the homeserver is slow to bring messages', { lagMs });
    this.#lagMs = lagMs;
    return true;
  }

  /**
   * After an answer that brought nothing at all; one that brought anything else shows that we hear. Throws `homeserver_deaf` where the echo
   * should have been in it, and what the homeserver said when it refused to take one.
   */
  judgeSilence(): void {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal) throw refusal;
    const takenAt = this.#out?.takenAt;
    if (takenAt !== undefined && this.#options.clock.monotonic() - takenAt >= PATIENCE_MS)
      throw new VollyError('homeserver_deaf', 'a message to this bridge itself did not come back');
  }

  /** After a failure: what is out no longer counts, and the next poll has one of its own. */
  renew(): void {
    this.#out = undefined;
    this.#dueAt = 0;
  }

  #notSent(error: unknown): void {
    const known = error instanceof HomeserverError ? error : undefined;
    this.#options.counters.count('echo_failed', { code: error instanceof VollyError ? error.code : 'bug' });
    this.renew();
    if (known?.code === 'homeserver_refused') this.#refusal = known;
    if (known?.retryAfterMs !== undefined) this.#dueAt = this.#options.clock.monotonic() + known.retryAfterMs;
  }
}
