/** Envelopes on their way to other communities: kept until acknowledged, repeated, and ended definitely. */
import type { Clock, RandomBytes } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Envelope, EnvelopeOf } from '../protocol/envelope.ts';
import type { OutboxRow, OutboxStore } from '../storage/types.ts';
import { AckTimes } from './ack-time.ts';
import { atMost } from './at-most.ts';
import type { OrderedCarriers } from './carriers.ts';
import { type Entry, entryOf, rowOf } from './entries.ts';
import type { Lives } from './lives.ts';
import { Load } from './load.ts';
import { PeerQueue } from './peer-queue.ts';
import type { Waiting } from './peers.ts';
import type { Policy } from './policy.ts';
import type { Counters, Steps } from './ports.ts';

/** How finely repeats and ends are timed. One pass over all that waits costs microseconds. */
const TICK_MS = 250;
/** Ends told at a time: with a database that is away each costs a try at every tick. */
const ENDS_AT_ONCE = 500;
/** A request may hang for as long as a carrier is given; what is in it is durable, so stopping does not wait that long. */
const STOP_MS = 3_000;

export interface OutboxOptions {
  readonly store: OutboxStore;
  readonly policy: Policy;
  readonly carrier: Pick<OrderedCarriers, 'send' | 'wake'>;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters: Counters;
  readonly steps: Steps;
  /** Tells the sender its end, durably; the row goes afterwards. A rejection is tried again. */
  readonly ended: (entry: Entry, reason: ErrorCode) => Promise<void>;
  /** An offer's peer acknowledged it. */
  readonly delivered: (offer: Entry) => void;
  /** A peer's server answered after envelopes had waited. */
  readonly woken: (peer: ServerName) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #peers = new Map<ServerName, PeerQueue>();
  /** Ends being told right now. */
  readonly #ending = new Set<EnvelopeId>();
  /** Encoded envelopes in memory. */
  readonly #load = new Load();
  readonly #ackTimes = new AckTimes();
  #cancelTick: (() => void) | undefined;
  #stopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** What waits, in memory. */
  get load(): { readonly peers: number; readonly bytes: number } {
    return { peers: this.#peers.size, bytes: this.#load.bytes };
  }

  /** Of each peer that something is here for. */
  get states(): readonly Waiting[] {
    return [...this.#peers.values()].map((queue) => queue.state);
  }

  /** Goes on with what an earlier run left; what it left for communities that the operator denies by now ends here. Throws `database`. */
  async start(): Promise<void> {
    const { store, policy, lives, ended } = this.#options;
    const now = lives.now();
    // An earlier run may have sent any of these.
    const entries = (await store.all()).map((row) => ({ ...entryOf(row, now), acked: true, left: true }));
    const denied = entries.filter(({ peer }) => !policy(peer));
    await Promise.all(denied.map((entry) => this.#end(entry.peer, entry.id, () => ended(entry, 'unconfirmed'))));
    for (const entry of entries) if (policy(entry.peer)) this.#add(entry);
  }

  /** Resolves once the envelope is on disk: a definite end is promised from here on. Throws `overloaded`, `database`. */
  async enqueue(envelope: Envelope, deadline: number): Promise<void> {
    const row = rowOf(envelope, deadline);
    if (!this.#hasRoom(row)) throw new VollyError('overloaded', 'outbox');
    this.#load.add(row);
    const begun = this.#options.lives.now();
    let result: 'accepted' | 'duplicate' | 'full' | undefined;
    try {
      result = await this.#options.store.put(row);
    } finally {
      if (result !== 'accepted') this.#load.remove(row);
    }
    if (result === 'full') throw new VollyError('overloaded', 'outbox');
    if (result !== 'accepted') return;
    const now = this.#options.lives.now();
    this.#options.steps.step('routed', envelope, { ms: now - begun });
    this.#add({ ...entryOf(row, now), acked: true }, true);
  }

  /** For types that nobody acknowledges: sent once, forgotten with the process. `key`: the newest of a key replaces a queued older one. */
  sendOnce(envelope: Envelope, deadline: number, key?: string): void {
    const row = rowOf(envelope, deadline);
    const crowded = key !== undefined && (this.#peers.get(row.peer)?.presence ?? 0) >= LIMITS.presenceQueuePerPeer;
    if (crowded || !this.#hasRoom(row)) {
      this.#options.counters.count('dropped', { type: row.type });
      return;
    }
    this.#add({ ...entryOf(row, this.#options.lives.now()), acked: false, ...(key === undefined ? {} : { key }) });
  }

  /** The peer's word that it has them. Ids of other peers are not its to acknowledge and are left alone. */
  async acknowledge(peer: ServerName, ids: readonly EnvelopeId[]): Promise<void> {
    const known = await this.#options.store.acknowledge(peer, ids);
    const queue = this.#peers.get(peer);
    queue?.heard();
    const entries = known.flatMap((id) => queue?.remove(id) ?? []);
    const now = this.#options.lives.now();
    if (entries.length > 0) this.#ackTimes.of(peer).acknowledged(entries, now);
    for (const entry of entries) {
      this.#told(entry, now);
      if (entry.type === 'app.volly.call.offer') this.#options.delivered(entry);
    }
  }

  /**
   * The peer's word on how an envelope ended, which `tell` makes durable; then the row goes. False when no such envelope is known, any more
   * or at all. Throws `wrong_sender` when it is another's, and what `tell` throws.
   */
  async conclude(end: EnvelopeOf<'app.volly.undeliverable'>, peer: ServerName, tell: () => Promise<void>): Promise<boolean> {
    const row = await this.#options.store.find(end.envelope);
    if (!row) return false;
    if (row.peer !== peer || row.from !== end.to) throw new VollyError('wrong_sender', 'undeliverable');
    return this.#end(peer, row.id, tell);
  }

  /** Sends again what waits for a peer which is known to be there, unless it is acknowledged in a moment. */
  resend(peer: ServerName): void {
    this.#peers.get(peer)?.resend();
  }

  /** The homeserver is back: no more pauses. */
  resendAll(): void {
    for (const queue of this.#peers.values()) if (this.#options.policy(queue.peer)) queue.resend();
  }

  /** What waits for communities that the operator denies by now ends. */
  policyChanged(): void {
    if (this.#stopped) return;
    this.#cancelTick?.();
    this.#tick();
  }

  /** Whether anything of these senders waits here. */
  holds(isOwn: (from: string) => boolean): boolean {
    return [...this.#peers.values()].some((queue) => queue.of(isOwn).length > 0);
  }

  /** Forgets it, without an end that anybody is told. */
  forget(isOwn: (from: string) => boolean): void {
    for (const queue of this.#peers.values()) for (const { id } of queue.of(isOwn)) queue.remove(id);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick?.();
    const stopped = [...this.#peers.values()].map((queue) => queue.stop());
    await atMost(this.#options.clock, STOP_MS, Promise.all(stopped));
  }

  /** Of one that was sent more than once nobody can tell which of them was acknowledged: no time is said. */
  #told(entry: Entry, now: number): void {
    const { counters, steps } = this.#options;
    const { sentAt, carrier, tries } = entry;
    const ms = tries === 1 && sentAt !== undefined ? now - sentAt : undefined;
    if (ms !== undefined && carrier !== undefined) counters.observe('ack_seconds', ms / 1_000, { carrier });
    steps.step('acknowledged', entry, ms === undefined ? {} : { ms });
  }

  #hasRoom(row: OutboxRow): boolean {
    if (!this.#peers.has(row.peer) && this.#peers.size >= LIMITS.peers) return false;
    return this.#load.hasRoom(row);
  }

  #add(entry: Entry, reserved = false): void {
    if (!reserved) this.#load.add(entry);
    // What was stored while the bridge stopped is sent by the next run.
    if (this.#stopped) return;
    let queue = this.#peers.get(entry.peer);
    if (!queue) {
      queue = new PeerQueue(entry.peer, {
        ...this.#options,
        ackTime: this.#ackTimes.of(entry.peer),
        removed: (gone) => this.#load.remove(gone),
      });
      this.#peers.set(entry.peer, queue);
    }
    queue.add(entry);
    this.#cancelTick ??= this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#cancelTick = undefined;
    for (const queue of this.#peers.values()) {
      const denied = !this.#options.policy(queue.peer);
      for (const entry of denied ? queue.halt() : queue.tick())
        if (!entry.acked) queue.remove(entry.id);
        else if (this.#ending.size < ENDS_AT_ONCE) void this.#expire(entry, denied);
      if (queue.empty) this.#peers.delete(queue.peer);
    }
    if (this.#peers.size > 0) this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  async #expire(entry: Entry, denied: boolean): Promise<void> {
    const { counters, ended } = this.#options;
    const reason = denied || entry.left || entry.sending ? 'unconfirmed' : 'peer_unreachable';
    // The database is away: the next tick finds the entry again.
    await this.#end(entry.peer, entry.id, () => ended(entry, reason)).catch(() => counters.count('end_failed'));
  }

  /** One word for one envelope: false while another is being told. */
  async #end(peer: ServerName, id: EnvelopeId, tell: () => Promise<void>): Promise<boolean> {
    if (this.#ending.has(id)) return false;
    this.#ending.add(id);
    try {
      await tell();
      await this.#options.store.remove([id]);
      this.#peers.get(peer)?.remove(id);
      return true;
    } finally {
      this.#ending.delete(id);
    }
  }
}
