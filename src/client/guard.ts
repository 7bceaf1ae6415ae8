/**
 * Replay and rate, steps 5 and 6 of PROTOCOL.md section 12. The caches are in the store before anything rings or is granted, so one offer
 * rings once also after a restart (R14).
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, type MemberId, memberOf, parseMemberId, type ServerName, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import type { Guard, ReplayKeys } from '../protocol/opening.ts';
import { OfferReplayCache, PresenceReplayCache, type ReplayGuard, type ReplaySnapshot } from '../protocol/replay.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

/**
 * Openings that this device verifies in a minute. Of one member: more than a person or its app ever makes. Strangers' names cost their
 * server nothing and are not verified yet, so they share: a server its 120, all servers 600. Contacts stand beside that.
 */
const RATE = { member: 30, strangersOfServer: 120, strangers: 600, windowMs: 60_000 } as const;

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
  #window = 0;
  readonly #members = new Map<MemberId, number>();
  readonly #servers = new Map<ServerName, number>();
  #strangers = 0;

  private constructor(store: Store, name: string, cache: ReplayGuard, options: GuardOptions) {
    this.#store = store;
    this.#name = name;
    this.#cache = cache;
    this.#options = options;
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
    const { clock, isContact } = this.#options;
    const window = Math.floor(clock.monotonic() / RATE.windowMs);
    if (window !== this.#window) {
      this.#members.clear();
      this.#servers.clear();
      this.#strangers = 0;
    }
    this.#window = window;
    const member = memberOf(from);
    if (!isContact(member)) this.#countStranger(serverOf(member));
    count(this.#members, member, RATE.member);
  }

  #countStranger(server: ServerName): void {
    if (this.#strangers >= RATE.strangers) throw new VollyError('rate_limited', 'strangers');
    count(this.#servers, server, RATE.strangersOfServer);
    this.#strangers++;
  }

  async record(keys: ReplayKeys): Promise<void> {
    this.#cache.record(keys, this.#options.now());
    await writeRecord(this.#store, this.#name, snapshotToCbor(this.#cache.snapshot()));
  }
}

function count<K>(counts: Map<K, number>, name: K, most: number): void {
  const before = counts.get(name) ?? 0;
  if (before >= most) throw new VollyError('rate_limited', 'openings');
  counts.set(name, before + 1);
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
