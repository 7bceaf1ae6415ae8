/**
 * The keys that the bridge holds for its legacy members, PROTOCOL.md section 16. Nothing of them is stored: the DIK is derived from the
 * community key's seed, and prekeys live in this process alone. So a stolen community key opens no offer recorded before, a restart
 * refuses every offer of before it (R14 without a replay cache on disk), and callers find the new prekey by asking again (section 11).
 */
import { type Bytes, concat, u64, utf8 } from '../../bytes.ts';
import type { Clock, RandomBytes } from '../../clock.ts';
import { COMPOSITE, compositePublicKey, compositeSigner, type Signer } from '../../crypto/composite.ts';
import { hkdfSha256, sha256 } from '../../crypto/hash.ts';
import type { Provider } from '../../crypto/primitives.ts';
import { LEGACY_DEVICE, type Localpart, type MemberId, memberId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { encodeBundle } from '../../protocol/bundle.ts';
import type { LocalDevice, LocalPrekey } from '../../protocol/device.ts';
import type { Community } from '../../protocol/handshake-server.ts';
import { encodeIdentity } from '../../protocol/identity.ts';
import { makeLegacyStatement } from '../../protocol/legacy.ts';
import type { Signed } from '../../protocol/list.ts';
import { makePrekey } from '../../protocol/prekey.ts';
import type { Shelf } from '../../routing/ports.ts';
import type { FactStore } from '../../storage/types.ts';
import { type Owner, sinceOf } from './credential.ts';
import { RecentOffers } from './recent-offers.ts';

export interface LegacyKeysOptions {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** With the key's own seed, of which the members' keys are derived. */
  readonly community: Community & { readonly seed: Uint8Array };
  readonly facts: FactStore;
}

interface OwnPrekey extends LocalPrekey {
  readonly statement: Signed;
  readonly epoch: number;
  readonly madeAt: number;
}

/** One member's, under one credential. */
export class DeviceKeys {
  readonly member: MemberId;
  readonly owner: Owner;
  /** Lives as long as the prekeys do: what was sealed to others does not open anyway. */
  readonly offers: RecentOffers;
  readonly #options: LegacyKeysOptions;
  readonly #dikSeed: Bytes;
  readonly #sign: Signer;
  readonly #dik: Bytes;
  readonly #dikHash: Bytes;
  #statement: { readonly version: number; readonly signed: Signed } | undefined;
  /** Newest first. */
  #prekeys: readonly OwnPrekey[] = [];

  constructor(options: LegacyKeysOptions, owner: Owner) {
    const { community, provider, clock } = options;
    this.#options = options;
    this.owner = owner;
    this.member = memberId(owner.localpart, community.server);
    this.offers = new RecentOffers(clock);
    this.#dikSeed = hkdfSha256({
      ikm: community.seed,
      salt: new Uint8Array(0),
      info: concat(utf8('volly/1/legacy/dik'), u64(owner.since), utf8(this.member)),
      length: COMPOSITE.seed,
    });
    this.#dik = compositePublicKey(provider, this.#dikSeed);
    this.#sign = compositeSigner(provider, this.#dikSeed);
    this.#dikHash = sha256(this.#dik);
  }

  /** What seals and opens. Anew for each use: statement and prekeys change. */
  local(): LocalDevice {
    const prekeys = this.#currentPrekeys();
    const { version: listVersion } = this.#currentStatement();
    const uikHash = this.#options.community.hash as Bytes;
    const [dikHash, sign] = [this.#dikHash, this.#sign];
    return { member: this.member, device: LEGACY_DEVICE, uikHash, listVersion, dikHash, sign, prekeys };
  }

  identity(): Bytes {
    return encodeIdentity(this.#currentStatement().signed, this.#dik, this.#options.community.publicKey as Bytes);
  }

  bundle(): Bytes {
    const [newest] = this.#currentPrekeys() as [OwnPrekey];
    const communityKey = this.#options.community.publicKey as Bytes;
    return encodeBundle(this.#currentStatement().signed, this.#dik, newest.statement, communityKey);
  }

  /** The same bytes in every run until the next is due, as a list has: one version, one hash (section 5.2). */
  #currentStatement(): { readonly version: number; readonly signed: Signed } {
    const { clock, provider, community } = this.#options;
    const now = clock.now();
    const version = Math.max(this.owner.since, now - (now % LIMITS.deviceListRenewMs));
    if (this.#statement?.version !== version) {
      const expires = version + LIMITS.deviceListLifeMs;
      const statement = { member: this.member, dikHash: this.#dikHash, version, expires };
      this.#statement = { version, signed: makeLegacyStatement(provider, community.seed, statement) };
    }
    return this.#statement;
  }

  /** Rotates and erases what is due (section 5.1), when it is asked for: whoever asks is served from the result, so it is published. */
  #currentPrekeys(): readonly OwnPrekey[] {
    const now = this.#options.clock.now();
    const [newest, ...older] = this.#prekeys;
    if (newest && now - newest.madeAt < LIMITS.prekeyRotateMs) return this.#prekeys;
    // Nobody was given it later than a day after it was made.
    const useful = newest && now - newest.madeAt < LIMITS.prekeyRotateMs + LIMITS.prekeyGraceMs;
    for (const { seed } of useful ? older : this.#prekeys) seed.fill(0);
    this.#prekeys = [this.#makePrekey(now, newest), ...(useful ? [newest] : [])];
    return this.#prekeys;
  }

  #makePrekey(now: number, before: OwnPrekey | undefined): OwnPrekey {
    const { provider, random, community } = this.#options;
    // As list versions: past every earlier one, also of an earlier run.
    const epoch = Math.max(now, (before?.epoch ?? 0) + 1);
    const keys = { member: this.member, device: LEGACY_DEVICE, uikHash: community.hash as Bytes, dikSeed: this.#dikSeed };
    const { prekey, statement } = makePrekey(provider, random, { ...keys, epoch, now });
    return { ...prekey, statement, epoch, madeAt: now };
  }
}

/** Of all legacy members, made when they are first asked for. The legacy half of the shelf. */
export class LegacyKeys implements Shelf {
  readonly #options: LegacyKeysOptions;
  readonly #members = new Map<Localpart, DeviceKeys>();

  constructor(options: LegacyKeysOptions) {
    this.#options = options;
  }

  /** Undefined for who has no credential. The command line may have made a new one: looked up each time. */
  async of(localpart: Localpart): Promise<DeviceKeys | undefined> {
    const since = await sinceOf(this.#options.facts, localpart);
    if (since === undefined) return undefined;
    const known = this.#members.get(localpart);
    if (known?.owner.since === since) return known;
    const keys = new DeviceKeys(this.#options, { localpart, since });
    this.#members.set(localpart, keys);
    return keys;
  }

  async bundles(localpart: string): Promise<readonly Uint8Array[]> {
    const keys = await this.of(localpart as Localpart);
    return keys ? [keys.bundle()] : [];
  }
}
