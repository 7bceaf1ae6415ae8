/**
 * Replay and rate, steps 5 and 6 of PROTOCOL.md section 12. The caches are in the store before anything rings or is granted, so one offer
 * rings once also after a restart (R14).
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, type MemberId, memberOf, parseMemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import type { Guard, ReplayKeys } from '../protocol/opening.ts';
import { OfferReplayCache, PresenceReplayCache, type ReplayGuard, type ReplaySnapshot } from '../protocol/replay.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

/** Openings that one member may make this device verify: more than a person or its app ever makes. */
const RATE = { perMinute: 30, windowMs: 60_000, members: 1_000 } as const;

const CACHES = { calls: OfferReplayCache, presence: PresenceReplayCache } as const;

export class StoredGuard implements Guard {
  readonly #store: Store;
  readonly #name: string;
  readonly #cache: ReplayGuard;
  readonly #now: () => number;
  readonly #clock: Clock;
  #window = 0;
  readonly #rates = new Map<MemberId, number>();

  private constructor(store: Store, name: string, cache: ReplayGuard, now: () => number, clock: Clock) {
    this.#store = store;
    this.#name = name;
    this.#cache = cache;
    this.#now = now;
    this.#clock = clock;
  }

  /** `now` is the gateway's time. */
  static async load(store: Store, kind: keyof typeof CACHES, now: () => number, clock: Clock): Promise<StoredGuard> {
    const name = `replay${kind}`;
    const fields = await readRecord(store, name);
    return new StoredGuard(store, name, new CACHES[kind](fields && snapshotFromCbor(fields)), now, clock);
  }

  checkReplay(keys: ReplayKeys): void {
    this.#cache.check(keys, this.#now());
  }

  checkRate(from: DeviceAddress): void {
    const window = Math.floor(this.#clock.monotonic() / RATE.windowMs);
    if (window !== this.#window) this.#rates.clear();
    this.#window = window;
    const member = memberOf(from);
    const count = this.#rates.get(member) ?? 0;
    if (count >= RATE.perMinute || (count === 0 && this.#rates.size >= RATE.members)) throw new VollyError('rate_limited');
    this.#rates.set(member, count + 1);
  }

  async record(keys: ReplayKeys): Promise<void> {
    this.#cache.record(keys, this.#now());
    await writeRecord(this.#store, this.#name, snapshotToCbor(this.#cache.snapshot()));
  }
}

const snapshotToCbor = ({ watermark, entries }: ReplaySnapshot): Cbor[] => [
  watermark,
  entries.map(({ enc, call, stream, sender, sentTs }) => [enc, call, stream, sender, sentTs]),
];

function snapshotFromCbor(fields: readonly Cbor[]): ReplaySnapshot {
  const entries = asArray(fields[1], 'entries', 0, LIMITS.replayEntries).map((value): ReplayKeys => {
    const [enc, call, stream, sender, sentTs] = asArray(value, 'entry', 5);
    return {
      enc: asText(enc, 'enc'),
      call: asText(call, 'call'),
      stream: asText(stream, 'stream'),
      sender: parseMemberId(asText(sender, 'sender')),
      sentTs: asUint(sentTs, 'sent'),
    };
  });
  return { watermark: asUint(fields[0], 'watermark'), entries };
}
