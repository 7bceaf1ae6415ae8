/**
 * The way to one peer: what waits, the requests under way, repeating, waking. A request costs both homeservers the same whether it
 * holds one envelope or 60 kB, so one is under way at a time and what comes meanwhile shares the next; more only while whole events
 * wait.
 */
import type { RandomBytes } from '../clock.ts';
import type { EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { neverLeft, retryAfterOf } from './carriers.ts';
import { type Entry, ReadyQueue } from './entries.ts';
import type { Lives } from './lives.ts';
import type { Carrier, Counters } from './ports.ts';
import { pauseAfter, repeatAfter } from './repeats.ts';
import { Waking } from './waking.ts';

export interface PeerQueueOptions {
  readonly carrier: Carrier;
  readonly lives: Lives;
  readonly random: RandomBytes;
  readonly counters: Counters;
  /** The peer answered after a silence. */
  readonly woken: (peer: ServerName) => void;
}

export class PeerQueue {
  readonly peer: ServerName;
  readonly #options: PeerQueueOptions;
  readonly #entries = new Map<EnvelopeId, Entry>();
  readonly #ready = new ReadyQueue();
  readonly #waking: Waking;
  readonly #requests = new Set<Promise<void>>();
  #once = 0;
  #failures = 0;
  #pausedUntil = 0;
  #pumping = false;

  constructor(peer: ServerName, options: PeerQueueOptions) {
    this.peer = peer;
    this.#options = options;
    this.#waking = new Waking(options.carrier, peer, options.lives, () => {
      this.resend();
      options.woken(peer);
    });
  }

  get empty(): boolean {
    return this.#entries.size === 0 && this.#requests.size === 0;
  }

  /** Entries that are sent once and have not been. */
  get once(): number {
    return this.#once;
  }

  /** Queues an entry; returns an older one that it replaced. */
  add(entry: Entry): Entry | undefined {
    this.#entries.set(entry.id, entry);
    if (!entry.acked) this.#once++;
    if (entry.deadline <= this.#options.lives.now()) return undefined;
    const older = this.#ready.add(entry);
    if (older) this.remove(older.id);
    this.#pump();
    return older;
  }

  remove(id: EnvelopeId): Entry | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    this.#ready.delete(entry);
    if (!entry.acked) this.#once--;
    return entry;
  }

  /** The peer acknowledged something: it is awake. */
  heard(): void {
    this.#waking.heard();
  }

  /** Queues everything that waits, now. */
  resend(): void {
    this.#pausedUntil = 0;
    const now = this.#options.lives.now();
    for (const entry of this.#entries.values()) if (!entry.sending && entry.deadline > now) this.#ready.add(entry);
    this.#pump();
  }

  /** A moment has passed: queues what is due, wakes the peer when something waits long, returns what is past its end. */
  tick(): readonly Entry[] {
    const now = this.#options.lives.now();
    const ended: Entry[] = [];
    let waitingSince: number | undefined;
    for (const entry of this.#entries.values()) {
      if (now >= entry.deadline) {
        this.#ready.delete(entry);
        if (now >= entry.deadline + (entry.acked ? LIMITS.confirmMs : 0)) ended.push(entry);
      } else {
        if (entry.acked) waitingSince ??= entry.since;
        if (!entry.sending && entry.dueAt <= now) this.#ready.add(entry);
      }
    }
    if (waitingSince !== undefined) this.#waking.waiting(now - waitingSince);
    this.#pump();
    return ended;
  }

  /** Sends what would be forgotten (acks above all), leaves the rest to the next run; resolves when all requests have ended. */
  async stop(): Promise<void> {
    for (const entry of this.#entries.values()) if (entry.acked) this.#ready.delete(entry);
    this.#fill();
    while (this.#requests.size > 0) await Promise.all(this.#requests);
  }

  /** In a microtask, so that envelopes of one commit share the request. */
  #pump(): void {
    if (this.#pumping || this.#ready.size === 0) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#maySend()) this.#send(this.#ready.take());
  }

  #maySend(): boolean {
    if (this.#ready.size === 0 || this.#options.lives.now() < this.#pausedUntil) return false;
    return this.#requests.size === 0 || (this.#requests.size < LIMITS.requestsPerPeer && this.#ready.hasWholeEvent());
  }

  #send(event: readonly Entry[]): void {
    for (const entry of event) {
      entry.sending = true;
      entry.tries++;
    }
    const encoded = event.map((entry) => entry.encoded);
    const request = this.#options.carrier
      .send(this.peer, event[0]!.type, encoded)
      .then(
        () => this.#sent(event),
        (error) => this.#failed(event, error),
      )
      .then(() => {
        this.#requests.delete(request);
        this.#pump();
      });
    this.#requests.add(request);
  }

  #sent(event: readonly Entry[]): void {
    this.#failures = 0;
    for (const entry of event) {
      entry.left = true;
      if (!entry.acked) this.remove(entry.id);
    }
    this.#putOff(event);
  }

  #failed(event: readonly Entry[], error: unknown): void {
    this.#options.counters.count('send_failed');
    for (const entry of event) if (!neverLeft(error)) entry.left = true;
    this.#putOff(event);
    // The next envelope would most likely fail too, and a homeserver in trouble is not helped by more requests.
    const pause = Math.max(pauseAfter(++this.#failures, this.#options.random), retryAfterOf(error));
    this.#pausedUntil = this.#options.lives.now() + pause;
  }

  #putOff(event: readonly Entry[]): void {
    const now = this.#options.lives.now();
    for (const entry of event) {
      entry.sending = false;
      entry.dueAt = now + repeatAfter(entry.tries, now - entry.since, this.#options.random);
    }
  }
}
