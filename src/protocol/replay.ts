/**
 * The replay cache: what opened a conversation once never does again, also after a restart or a clock step (R14). PROTOCOL.md
 * section 12. In memory, with a snapshot to keep on disk; one for offers and one for subscribe and grant, whose lives differ.
 */
import { VollyError } from '../errors.ts';
import type { MemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { ReplayKeys } from './opening.ts';

export interface ReplaySnapshot {
  /** Unix time in milliseconds. What was sent at or before it is refused: its entry may be gone. */
  readonly watermark: number;
  readonly entries: readonly ReplayKeys[];
}

export class ReplayCache {
  readonly #keepMs: number;
  #watermark: number;
  /** By `enc`, in order of arrival. */
  readonly #entries = new Map<string, ReplayKeys>();
  readonly #calls = new Set<string>();
  readonly #shares = new Map<MemberId, number>();

  /** `keepMs` must be longer than the lives of what it remembers, or the watermark would refuse honest late ones. */
  constructor(keepMs: number, snapshot?: ReplaySnapshot) {
    this.#keepMs = keepMs;
    this.#watermark = snapshot?.watermark ?? 0;
    for (const entry of snapshot?.entries ?? []) this.#add(entry);
  }

  /** Throws `replayed`; `rate_limited` where the sender's share or the cache is full, for nothing is evicted early. */
  check(keys: ReplayKeys, now: number): void {
    this.#purge(now);
    if (keys.sentTs <= this.#watermark || this.#entries.has(keys.enc) || this.#calls.has(keys.call))
      throw new VollyError('replayed');
    const share = this.#shares.get(keys.sender) ?? 0;
    if (share >= LIMITS.replayEntriesPerSender || this.#entries.size >= LIMITS.replayEntries)
      throw new VollyError('rate_limited', 'replay cache');
  }

  /** After the signature. What `check` would refuse is refused here too: between the two another copy may have come. */
  record(keys: ReplayKeys, now: number): void {
    this.check(keys, now);
    this.#add(keys);
  }

  snapshot(): ReplaySnapshot {
    return { watermark: this.#watermark, entries: [...this.#entries.values()] };
  }

  get size(): number {
    return this.#entries.size;
  }

  #add(keys: ReplayKeys): void {
    this.#entries.set(keys.enc, keys);
    this.#calls.add(keys.call);
    this.#shares.set(keys.sender, (this.#shares.get(keys.sender) ?? 0) + 1);
  }

  /** An entry's time counts from `sentTs`, so that a clock that went back keeps it longer, never shorter. */
  #purge(now: number): void {
    for (const keys of this.#entries.values()) {
      if (now <= keys.sentTs + this.#keepMs) continue;
      this.#entries.delete(keys.enc);
      this.#calls.delete(keys.call);
      const share = (this.#shares.get(keys.sender) as number) - 1;
      if (share === 0) this.#shares.delete(keys.sender);
      else this.#shares.set(keys.sender, share);
      this.#watermark = Math.max(this.#watermark, keys.sentTs);
    }
  }
}
