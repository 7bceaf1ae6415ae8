/**
 * The replay caches: what opened a conversation once never does again, also after a restart or a clock step (R14). PROTOCOL.md
 * section 12. In memory, with a snapshot to keep on disk. Both purge by `sentTs`, so that a clock that went back keeps entries
 * longer and never shorter; what was sent at or before the newest purged one is refused, since its entry may be gone.
 */
import { VollyError } from '../errors.ts';
import { type MemberId, type ServerName, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { ReplayKeys } from './opening.ts';

export interface ReplaySnapshot {
  /** Unix time in milliseconds. */
  readonly watermark: number;
  readonly entries: readonly ReplayKeys[];
}

export interface ReplayGuard {
  /** Throws `replayed`; `rate_limited` where the sender's share or the cache is full, for nothing is evicted early. */
  check(keys: ReplayKeys, now: number): void;
  /** After the signature. Throws what `check` throws: between the two another copy may have come. */
  record(keys: ReplayKeys, now: number): void;
  snapshot(): ReplaySnapshot;
}

/** What both have: entries by a key, shares by sender, a watermark. */
class Entries {
  readonly #keepMs: number;
  readonly #byKey = new Map<string, ReplayKeys>();
  /** By member and by server. */
  readonly #shares = new Map<MemberId | ServerName, number>();
  #watermark: number;
  /** No entry was sent before: until it is old, there is nothing to purge. */
  #oldest = Number.POSITIVE_INFINITY;

  constructor(keepMs: number, watermark = 0) {
    this.#keepMs = keepMs;
    this.#watermark = watermark;
  }

  get = (key: string): ReplayKeys | undefined => this.#byKey.get(key);

  set(key: string, entry: ReplayKeys): void {
    if (!this.#byKey.has(key)) this.#share(entry, 1);
    this.#byKey.set(key, entry);
    this.#oldest = Math.min(this.#oldest, entry.sentTs);
  }

  checkWatermark({ sentTs }: ReplayKeys): void {
    if (sentTs <= this.#watermark) throw new VollyError('replayed', 'at or before the watermark');
  }

  checkRoom({ sender }: ReplayKeys): void {
    const full =
      (this.#shares.get(sender) ?? 0) >= LIMITS.replayEntriesPerSender ||
      (this.#shares.get(serverOf(sender)) ?? 0) >= LIMITS.replayEntriesPerServer ||
      this.#byKey.size >= LIMITS.replayEntries;
    if (full) throw new VollyError('rate_limited', 'replay cache');
  }

  purge(now: number, gone?: (entry: ReplayKeys) => void): void {
    if (now <= this.#oldest + this.#keepMs) return;
    this.#oldest = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#byKey) {
      if (now <= entry.sentTs + this.#keepMs) {
        this.#oldest = Math.min(this.#oldest, entry.sentTs);
        continue;
      }
      this.#byKey.delete(key);
      this.#share(entry, -1);
      this.#watermark = Math.max(this.#watermark, entry.sentTs);
      gone?.(entry);
    }
  }

  #share({ sender }: ReplayKeys, change: 1 | -1): void {
    for (const name of [sender, serverOf(sender)]) {
      const share = (this.#shares.get(name) ?? 0) + change;
      if (share === 0) this.#shares.delete(name);
      else this.#shares.set(name, share);
    }
  }

  snapshot = (): ReplaySnapshot => ({ watermark: this.#watermark, entries: [...this.#byKey.values()] });
}

/** For offers: no two with the same enc, nor of one device with the same call_id. */
export class OfferReplayCache implements ReplayGuard {
  readonly #entries: Entries;
  readonly #calls = new Set<string>();

  constructor(snapshot?: ReplaySnapshot) {
    this.#entries = new Entries(LIMITS.replayMs, snapshot?.watermark);
    for (const entry of snapshot?.entries ?? []) this.#add(entry);
  }

  check(keys: ReplayKeys, now: number): void {
    this.#entries.purge(now, ({ call }) => this.#calls.delete(call));
    this.#entries.checkWatermark(keys);
    if (this.#entries.get(keys.enc) || this.#calls.has(keys.call)) throw new VollyError('replayed');
    this.#entries.checkRoom(keys);
  }

  record(keys: ReplayKeys, now: number): void {
    this.check(keys, now);
    this.#add(keys);
  }

  snapshot = (): ReplaySnapshot => this.#entries.snapshot();

  #add(keys: ReplayKeys): void {
    this.#entries.set(keys.enc, keys);
    this.#calls.add(keys.call);
  }
}

/** For subscribe and grant, which live 7 days and of which only the newest of a device matters: each replaces the one before. */
export class PresenceReplayCache implements ReplayGuard {
  readonly #entries: Entries;

  constructor(snapshot?: ReplaySnapshot) {
    this.#entries = new Entries(LIMITS.grantLifeMs, snapshot?.watermark);
    for (const entry of snapshot?.entries ?? []) this.#entries.set(entry.stream, entry);
  }

  check(keys: ReplayKeys, now: number): void {
    this.#entries.purge(now);
    this.#entries.checkWatermark(keys);
    const newest = this.#entries.get(keys.stream);
    if (newest && keys.sentTs <= newest.sentTs) throw new VollyError('replayed');
    if (!newest) this.#entries.checkRoom(keys);
  }

  record(keys: ReplayKeys, now: number): void {
    this.check(keys, now);
    this.#entries.set(keys.stream, keys);
  }

  snapshot = (): ReplaySnapshot => this.#entries.snapshot();
}
