/**
 * Replay and rate, steps 5 and 6 of PROTOCOL.md section 12. The caches are in the store before anything rings or is granted, so one offer
 * rings once also after a restart (R14).
 */
import type { Clock } from '../clock.ts';
import { type DeviceAddress, type MemberId, memberOf, parseMemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { OpeningRates } from '../party/opening-rates.ts';
import { asArray, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import type { Guard, ReplayKeys } from '../protocol/opening.ts';
import { OfferReplayCache, PresenceReplayCache, type ReplayGuard, type ReplaySnapshot } from '../protocol/replay.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

const CACHES = { calls: OfferReplayCache, presence: PresenceReplayCache } as const;

export interface GuardOptions {
  /** The gateway's time. */
  readonly now: () => number;
  readonly clock: Clock;
  /** Whether the user has pinned this member. */
  readonly isContact: (member: MemberId) => boolean;
}

export class StoredGuard implements Guard {
  readonly #store: Store;
  readonly #name: string;
  readonly #cache: ReplayGuard;
  readonly #options: GuardOptions;
  readonly #rates: OpeningRates;

  private constructor(store: Store, name: string, cache: ReplayGuard, options: GuardOptions) {
    this.#store = store;
    this.#name = name;
    this.#cache = cache;
    this.#options = options;
    this.#rates = new OpeningRates(options.clock);
  }

  static async load(store: Store, kind: keyof typeof CACHES, options: GuardOptions): Promise<StoredGuard> {
    const name = `replay${kind}`;
    const fields = await readRecord(store, name);
    return new StoredGuard(store, name, new CACHES[kind](fields && snapshotFromCbor(fields)), options);
  }

  checkReplay(keys: ReplayKeys): void {
    this.#cache.check(keys, this.#options.now());
  }

  checkRate(from: DeviceAddress): void {
    this.#rates.count(from, this.#options.isContact(memberOf(from)));
  }

  async record(keys: ReplayKeys): Promise<void> {
    this.#cache.record(keys, this.#options.now());
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
