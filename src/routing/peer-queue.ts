/** The way to one peer: what waits for it, what is due again, waking it. */
import type { Clock } from '../clock.ts';
import type { EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { AckTime } from './ack-time.ts';
import { type Entry, ReadyQueue } from './entries.ts';
import { Patient, patienceOf } from './haste.ts';
import type { Waiting } from './peers.ts';
import type { Policy } from './policy.ts';
import { LONGEST_MS, repeatAfter } from './repeats.ts';
import { Requests, type RequestsOptions } from './requests.ts';
import { Silence } from './silence.ts';
import { Waking } from './waking.ts';

export interface PeerQueueOptions extends RequestsOptions {
  readonly policy: Policy;
  readonly ackTime: AckTime;
  readonly clock: Clock;
  /** The peer's server answered after envelopes had waited. */
  readonly woken: (peer: ServerName) => void;
  /** An entry is here no longer: sent, acknowledged, replaced or ended. */
  readonly removed: (entry: Entry) => void;
}

export class PeerQueue {
  readonly peer: ServerName;
  readonly #options: PeerQueueOptions;
  readonly #entries = new Map<EnvelopeId, Entry>();
  readonly #ready = new ReadyQueue();
  /** What lets others pass before its first request. */
  readonly #patient: Patient;
  readonly #silence: Silence;
  readonly #waking: Waking;
  readonly #requests: Requests;
  #presence = 0;
  #pumping = false;

  constructor(peer: ServerName, options: PeerQueueOptions) {
    this.peer = peer;
    this.#options = options;
    this.#patient = new Patient(options.clock);
    this.#requests = new Requests(peer, options, (event, succeeded) => this.#ended(event, succeeded));
    this.#silence = new Silence(options);
    this.#waking = new Waking(options.carrier, peer, options.lives, () => {
      this.#silence.askAnew();
      this.#again();
      options.woken(peer);
    });
  }

  get empty(): boolean {
    return this.#entries.size === 0 && this.#requests.idle;
  }

  /** Presence updates among what waits. */
  get presence(): number {
    return this.#presence;
  }

  /** Of what is to be acknowledged; the rest is gone in a moment. */
  get state(): Waiting {
    const { lives } = this.#options;
    let [waiting, bytes, since] = [0, 0, lives.now()];
    for (const entry of this.#entries.values()) {
      if (!entry.acked) continue;
      waiting++;
      bytes += entry.encoded.length;
      since = Math.min(since, entry.since);
    }
    const oldestMs = lives.now() - since;
    return { server: this.peer, state: this.#waking.state(oldestMs), waiting, bytes, oldestMs };
  }

  add(entry: Entry): void {
    // Of types that nobody acknowledges the id is the sender's word alone: one that is taken stays whose it is.
    if (this.#entries.has(entry.id)) {
      this.#options.removed(entry);
      return;
    }
    this.#entries.set(entry.id, entry);
    if (entry.key !== undefined) this.#presence++;
    if (entry.deadline <= this.#options.lives.now()) return;
    const patience = patienceOf(entry.type);
    if (patience > 0) {
      this.#hold(entry, patience);
      return;
    }
    const older = this.#ready.add(entry);
    if (older) this.remove(older.id);
    this.#pump();
  }

  /** What these senders have here. */
  of(isOwn: (from: string) => boolean): readonly Entry[] {
    return [...this.#entries.values()].filter(({ from }) => isOwn(from));
  }

  /** Returns what was here under this id. */
  remove(id: EnvelopeId): Entry | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    this.#ready.delete(entry);
    this.#patient.forget(id);
    if (entry.key !== undefined) this.#presence--;
    this.#options.removed(entry);
    return entry;
  }

  /**
   * The peer acknowledged something, or said hello. What was sent into its silence has mostly waited for it, and is acknowledged in a
   * moment: from now on it has as long as that takes, and is sent again then.
   */
  heard(): void {
    const { lives, ackTime } = this.#options;
    const now = lives.now();
    const since = this.#waitingSince(now);
    const [silent, silentMs] = [this.#silence.isSilent(since), this.#silence.ms(since)];
    this.#silence.heard();
    this.#waking.heard();
    this.#pump();
    if (!silent) return;
    for (const entry of this.#entries.values()) {
      if (entry.answerableAt === undefined || entry.sending) continue;
      this.#ready.delete(entry);
      entry.answerableAt = now;
      entry.dueAt = now + ackTime.firstRepeatMs;
      // The path is not that slow.
      if (silentMs > LONGEST_MS) entry.sentAt = undefined;
    }
  }

  /** The peer can be heard, or the homeserver reached, again. */
  resend(): void {
    this.heard();
    this.#again();
  }

  /** A moment has passed: queues what is due, wakes the peer when something waits long, returns what is past its end. */
  tick(): readonly Entry[] {
    const now = this.#options.lives.now();
    const ended: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (now < entry.deadline) continue;
      this.#ready.delete(entry);
      if (now >= entry.deadline + (entry.acked ? LIMITS.confirmMs : 0)) ended.push(entry);
    }
    // Also while the peer says hello: the way there may sleep though the way back does not.
    this.#waking.waiting(now - this.#waitingSince(now));
    this.#queueDue();
    return ended;
  }

  /** Sends nothing more of what is here, and returns it. */
  halt(): readonly Entry[] {
    for (const entry of this.#entries.values()) this.#ready.delete(entry);
    this.#patient.forgetAll();
    return [...this.#entries.values()];
  }

  /** Sends what would be forgotten (acks above all), leaves the rest to the next run; resolves when all requests have ended. */
  async stop(): Promise<void> {
    for (const entry of this.#entries.values()) if (entry.acked) this.#ready.delete(entry);
    this.#patient.forgetAll();
    this.#fill();
    await this.#requests.drained();
  }

  /** Queues all that waits, now; what was sent, when it could have been acknowledged. */
  #again(): void {
    this.#requests.resume();
    const { lives, ackTime } = this.#options;
    const now = lives.now();
    for (const entry of this.#entries.values())
      entry.dueAt = Math.min(entry.dueAt, entry.answerableAt === undefined ? now : entry.answerableAt + ackTime.firstRepeatMs);
    this.#queueDue();
  }

  /** When the oldest came of what can still be acknowledged in time. */
  #waitingSince(now: number): number {
    for (const entry of this.#entries.values()) if (entry.acked && entry.deadline > now) return entry.since;
    return now;
  }

  /** Queues what is due; of what a silent peer was sent already one only, which was repeated least. */
  #queueDue(): void {
    const now = this.#options.lives.now();
    const silent = this.#silence.isSilent(this.#waitingSince(now));
    let probe: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.sending || entry.dueAt > now || entry.deadline <= now) continue;
      if (!silent || entry.answerableAt === undefined) this.#ready.add(entry);
      else if (!probe || entry.tries < probe.tries) probe = entry;
    }
    if (probe && this.#silence.mayProbe()) this.#ready.add(probe);
    this.#pump();
  }

  #hold(entry: Entry, ms: number): void {
    entry.dueAt = this.#options.lives.now() + ms;
    this.#patient.hold(entry.id, ms, () => {
      if (entry.tries === 0) this.#ready.add(entry);
      this.#pump();
    });
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

  /** While the peer's server cannot be reached everything waits here: what never leaves ends definitely, and nothing old is in front when the way heals. */
  #fill(): void {
    // Denied since it was queued, or while it was being woken.
    if (!this.#options.policy(this.peer)) return;
    if (this.#waking.holds) {
      if (this.#ready.size > 0 && this.#requests.mayBegin(false) && this.#waking.mayTry())
        this.#requests.begin(this.#ready.takeOneAcked());
      return;
    }
    while (this.#ready.size > 0 && this.#requests.mayBegin(this.#ready.hasWholeEvent()))
      this.#requests.begin(this.#requests.failing ? this.#ready.takeOne() : this.#ready.take());
    const urgent = this.#requests.mayBeginUrgent() ? this.#ready.takeUrgent() : [];
    if (urgent.length > 0) this.#requests.begin(urgent, true);
  }

  #ended(event: readonly Entry[], succeeded: boolean): void {
    const { lives, ackTime, random } = this.#options;
    const now = lives.now();
    for (const entry of event) {
      entry.sending = false;
      if (succeeded) {
        entry.sentAt ??= now;
        entry.answerableAt = now;
      }
      entry.dueAt = now + repeatAfter(entry.tries, now - entry.since, ackTime.firstRepeatMs, random);
      // An update of presence is never repeated: it would be old.
      if (succeeded ? !entry.acked : entry.key !== undefined) this.remove(entry.id);
    }
    this.#pump();
  }
}
