/**
 * The one way in: a long poll of the bridge user's /sync. Each answer is journaled, in the commit that also holds what routing it puts
 * into the inbox; only the request after that commit, with the answer's position as `since`, lets the homeserver forget it.
 *
 * The position is never stored. After a start, and after any failure, the first request has no `since`: it brings all that
 * was not forgotten yet, some of it for the second time, which the router knows by its ids. A stored `since` is worse: when the
 * homeserver was restored from a backup it lies in the future, and Synapse then deletes unread all that it still had.
 * An answer without envelopes needs no journal: a crash after it asks without `since` too.
 *
 * That the homeserver answers does not show that it brings anything. So the receiver is ready only once a message to itself has come back
 * (echo.ts), and one that does not makes it start over.
 */
import type { Clock } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import type { Counters, Log, Receiver, Route } from '../routing/ports.ts';
import type { JournalStore, QuarantineStore } from '../storage/types.ts';
import { backoffMs, pause } from './backoff.ts';
import type { HomeserverClient } from './client.ts';
import { Echo } from './echo.ts';
import { HomeserverError, isAway } from './failure.ts';
import { type Inbound, readEvents } from './inbound.ts';
import { InboundQueue } from './inbound-queue.ts';
import { eventsIn, POLL_MS, sync } from './sync.ts';

export const RECEIVER = 'sync';
/** Longer than a commit takes before it fails, or a slow disk would never get on; and few homeservers are restored within it. */
const POSITION_MS = 10_000;
/** One lost answer is no outage; a load balancer should not move its sockets for it. */
const FAILURES_UNTIL_NOT_READY = 3;
/** Until the echo is back: what could not be sent is sent again at the next poll. */
const UNPROVEN_POLL_MS = 1_000;

export interface ReceiverState {
  /** The homeserver brings messages, which one to ourselves has shown, and what it brings is kept. */
  readonly ready: boolean;
  /** How long the latest message to ourselves took to come back; undefined before the first. */
  readonly lagMs: number | undefined;
  /** Unix time in ms of the last answer. */
  readonly lastSyncAt: number | undefined;
  /** Answers that are journaled and not yet routed. */
  readonly journaled: number;
}

/** Makes the inbox readable; see access.ts. */
export interface Access {
  /** Before the first request, and again after each outage, until it succeeds. A stop waits for it, so it ends when `signal` aborts. */
  prepare(signal: AbortSignal): Promise<void>;
  /** It was not enough: `homeserver_refused`, or `homeserver_deaf`. */
  doubt(why: ErrorCode): Promise<void>;
  /** A message came back. */
  prove(): Promise<void>;
}

export interface ReceiverOptions {
  readonly client: HomeserverClient;
  readonly server: ServerName;
  readonly journal: JournalStore;
  readonly quarantine: QuarantineStore;
  readonly route: Route;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  readonly access: Access;
  /** What no retry mends, as `wrong_token`: the receiver has ended. */
  readonly onFatal: (error: VollyError) => void;
  /** The homeserver brings messages again after it did not: what others send us may wait in a back-off of theirs. */
  readonly onBack?: () => void;
}

export class SyncReceiver implements Receiver {
  readonly #options: ReceiverOptions;
  readonly #queue: InboundQueue;
  readonly #echo: Echo;
  readonly #stop = new AbortController();
  /** Ends what is asked of the homeserver, and the pause after a failure. */
  #interrupt = new AbortController();
  #running: Promise<void> | undefined;
  #ready = false;
  #lastSyncAt: number | undefined;
  /** On the monotonic clock. */
  #answeredAt = 0;
  #since: string | undefined;
  #prepared = false;
  #failures = 0;
  /** It was ready before: being ready now is being back. */
  #wasReady = false;
  /** What the operator has been told of: one line an outage. */
  #told: ErrorCode | 'away' | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#queue = new InboundQueue({ ...options, signal: this.#stop.signal });
    this.#echo = new Echo(options);
  }

  get state(): ReceiverState {
    return { ready: this.#ready, lagMs: this.#echo.lagMs, lastSyncAt: this.#lastSyncAt, journaled: this.#queue.size };
  }

  /** Resolves once what was journaled by now is in the inboxes; with a database that fails, after the failure. */
  arrived(): Promise<void> {
    return this.#queue.passed();
  }

  /** Resolves before the homeserver has answered, which may take long; see `state`. Throws `database`. */
  async start(): Promise<void> {
    const pending = await this.#options.journal.pending(RECEIVER);
    this.#running = this.#run(pending);
  }

  /** Resolves once nothing is routed any more; what was not is journaled and comes first at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#interrupt.abort();
    this.#ready = false;
    await this.#running;
    await this.#queue.idle();
  }

  /** The homeserver answers again after it did not: what hangs since then is not waited for, but asked anew. */
  nudge(): void {
    const hanging = this.#interrupt;
    this.#interrupt = new AbortController();
    this.#failures = 0;
    hanging.abort();
  }

  async #run(pending: readonly { entry: number; raw: string }[]): Promise<void> {
    for (const { entry, raw } of pending) {
      await this.#queue.room();
      this.#queue.add(Promise.resolve(entry), readEvents(eventsIn(raw), this.#options.server));
    }
    while (!this.#stop.signal.aborted) {
      await this.#queue.room();
      try {
        await this.#round();
      } catch (error) {
        if (!(await this.#survive(error))) return;
      }
    }
  }

  async #round(): Promise<void> {
    const { access, client, clock, journal, server } = this.#options;
    const { signal } = this.#interrupt;
    if (!this.#prepared) await access.prepare(signal);
    this.#prepared = true;
    this.#echo.sendIfDue(signal);
    // Restored between two requests, as while there was no room, and nobody saw it go.
    if (clock.monotonic() - this.#answeredAt > POSITION_MS) this.#since = undefined;
    const answer = await sync(client, this.#since, signal, this.#ready ? POLL_MS : UNPROVEN_POLL_MS);
    this.#answeredAt = clock.monotonic();
    const inbound = readEvents(answer.events, server);
    if (isWorthKeeping(inbound)) {
      const entry = journal.append(RECEIVER, answer.raw);
      this.#queue.add(entry, inbound);
      await entry;
    }
    this.#since = answer.position;
    this.#lastSyncAt = clock.now();
    this.#failures = 0;
    if (this.#echo.heard(inbound.echoes)) await this.#hears();
    if (answer.events.length === 0) this.#echo.judgeSilence();
  }

  async #hears(): Promise<void> {
    const { access, counters, log, onBack } = this.#options;
    await access.prove().catch(() => counters.count('access_failed'));
    if (this.#ready) return;
    this.#ready = true;
    this.#told = undefined;
    log.info('receiving from the homeserver');
    if (this.#wasReady) onBack?.();
    this.#wasReady = true;
  }

  /** Waits as the failure asks. False when there is nothing left to wait for. */
  async #survive(error: unknown): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    const { access, clock, counters, log, onFatal } = this.#options;
    const interrupted = error instanceof VollyError && error.code === 'shutting_down';
    const known = interrupted ? HUNG : failureOf(error);
    this.#failures++;
    counters.count('sync_failed', { code: known.code });
    if (known.code === 'wrong_token') {
      this.#ready = false;
      onFatal(known);
      return false;
    }
    const doubtful = known.code === 'homeserver_deaf' || known.code === 'homeserver_refused';
    if (doubtful || isAway(known.code)) this.#echo.renew();
    // Whatever it was: by the next request the homeserver may be another, older one, also without our having seen it go.
    this.#since = undefined;
    if (known.code === 'homeserver_deaf' || this.#failures >= FAILURES_UNTIL_NOT_READY) this.#ready = false;
    if (!this.#ready || doubtful) this.#prepared = false;
    if (doubtful) await access.doubt(known.code).catch(() => counters.count('access_failed'));
    const kind = isAway(known.code) ? 'away' : known.code;
    if (!this.#ready && this.#told !== kind)
      log.warn('not receiving from the homeserver; trying again', { reason: known.message });
    if (!this.#ready) this.#told = kind;
    if (interrupted) return true;
    const asked = known instanceof HomeserverError ? known.retryAfterMs : undefined;
    await pause(clock, asked ?? backoffMs(this.#failures), this.#interrupt.signal);
    return true;
  }
}

const HUNG = new VollyError('homeserver_unreachable', 'no answer until it was asked anew');
const failureOf = (error: unknown): VollyError =>
  error instanceof VollyError ? error : new VollyError('database', 'unexpected error while receiving', { cause: error });
const isWorthKeeping = ({ arrivals, refused, strangers }: Inbound): boolean => arrivals.length + refused.length + strangers > 0;
