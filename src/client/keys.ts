/**
 * What this device publishes: its member's device list and its prekeys, made, renewed, rotated, erased (PROTOCOL.md sections 5.1 to 5.3).
 * Every change is in the store before anything that rests on it leaves the device.
 */
import { type Bytes, equal } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { compositePublicKey, compositeSigner, type Signer } from '../crypto/composite.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { DeviceId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { encodeBundle } from '../protocol/bundle.ts';
import { asArray, asBytes } from '../protocol/cbor.ts';
import type { LocalDevice } from '../protocol/device.ts';
import { decodeIdentity, encodeIdentity, type Identity } from '../protocol/identity.ts';
import type { DeviceEntry, Signed } from '../protocol/list.ts';
import { type Account, saveAccount } from './account.ts';
import { checkOwnList, type NewEntry, signOwnList } from './own-list.ts';
import { dropErased, isRotationDue, nextPrekey, type OwnPrekey, prekeyFromCbor, prekeyToCbor, startGrace } from './prekeys.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

export interface KeysDeps {
  readonly account: Account;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly store: Store;
}

export class Keys {
  readonly #deps: KeysDeps;
  #account: Account;
  /** By the DIK. */
  readonly sign: Signer;
  #identity: Identity;
  #prekeys: readonly OwnPrekey[];

  private constructor(deps: KeysDeps, identity: Identity, prekeys: readonly OwnPrekey[]) {
    this.sign = compositeSigner(deps.provider, deps.account.dikSeed);
    this.#account = deps.account;
    this.#deps = deps;
    this.#identity = identity;
    this.#prekeys = prekeys;
  }

  /** From the store. Undefined where this device has no keys yet. */
  static async load(deps: KeysDeps): Promise<Keys | undefined> {
    const fields = await readRecord(deps.store, 'keys');
    if (!fields) return undefined;
    const [bytes, signature, prekeys] = asArray(fields, 'keys', 3);
    const list: Signed = { bytes: asBytes(bytes, 'list'), signature: asBytes(signature, 'signature') };
    const identity = decodeIdentity(encodeIdentity(list, deps.account.dik));
    return new Keys(deps, identity, asArray(prekeys, 'prekeys', 1, 1_000).map(prekeyFromCbor));
  }

  /** The first device makes its list; another brings the one that approved it. Throws as `checkOwnList` does. */
  static async create(deps: KeysDeps, now: number, approved?: Signed): Promise<Keys> {
    const { account, provider, random } = deps;
    const identity = checkOwnList(provider, account, approved ?? firstList(deps, now), now);
    const keys = new Keys(deps, identity, [nextPrekey(provider, random, { account, uikHash: identity.rootHash, now })]);
    await keys.#save();
    return keys;
  }

  get account(): Account {
    return this.#account;
  }

  /** The community has gone over to another key, which its old one signed (PROTOCOL.md section 14.7). `keyHash`: 32 bytes. */
  async follow(keyHash: Bytes): Promise<void> {
    const account = { ...this.#account, community: { ...this.#account.community, keyHash } };
    await saveAccount(this.#deps.store, account);
    this.#account = account;
  }

  get uik(): Bytes {
    return this.#identity.root;
  }

  get uikHash(): Bytes {
    return this.#identity.rootHash;
  }

  get list(): Signed {
    return this.#identity.signed;
  }

  get listVersion(): number {
    return this.#identity.version;
  }

  get devices(): readonly DeviceEntry[] {
    return this.#identity.entries;
  }

  /** H(the published prekey's statement). */
  get prekeyHash(): Bytes {
    return this.#newest.hash;
  }

  /** What seals and opens. Anew for each use: lists and prekeys change. */
  local(): LocalDevice {
    const { member, device, dikHash } = this.account;
    const { uikHash, listVersion, sign } = this;
    return { member, device, uikHash, listVersion, dikHash, sign, prekeys: this.#prekeys };
  }

  identity(): Bytes {
    return encodeIdentity(this.list, this.account.dik);
  }

  bundle(): Bytes {
    return encodeBundle(this.list, this.account.dik, this.#newest.statement);
  }

  /** Rotates, renews and erases what is due. True where the bundle changed and is to be published. On connecting, and hourly. */
  async maintain(now: number): Promise<boolean> {
    const before = this.#prekeys;
    this.#prekeys = dropErased(before, now);
    const rotate = isRotationDue(this.#newest, now);
    if (rotate) {
      const { provider, random, account } = this.#deps;
      const next = nextPrekey(provider, random, { account, uikHash: this.uikHash, now, previous: this.#newest });
      this.#prekeys = [...this.#prekeys, next];
    }
    const renew = this.account.uikSeed !== undefined && now - (this.#identity.issuedAt ?? 0) >= LIMITS.deviceListRenewMs;
    if (renew) this.#identity = this.#nextList(this.devices, now);
    if (this.#prekeys !== before || renew) await this.#save();
    return rotate || renew;
  }

  /** The newest bundle is on the shelf. */
  async published(now: number): Promise<void> {
    const before = this.#prekeys;
    this.#prekeys = startGrace(before, now);
    if (this.#prekeys !== before) await this.#save();
  }

  /**
   * A newer list of the own member, brought by the bridge and verified here. Throws `identity_changed`, `stale_list`, and as
   * `checkOwnList` does: `not_in_list` means that this device was removed.
   */
  async takeList(list: Signed, now: number): Promise<void> {
    const identity = checkOwnList(this.#deps.provider, this.account, list, now);
    if (!equal(identity.rootHash, this.uikHash)) throw new VollyError('identity_changed', 'own list');
    if (identity.version <= this.listVersion) throw new VollyError('stale_list', 'own list');
    this.#identity = identity;
    await this.#save();
  }

  /** Adds a device, or replaces one of that id. Throws `forbidden_in_state` without the UIK, `name_taken`, `too_large` past 16 devices. */
  async approve(entry: NewEntry, now: number): Promise<Signed> {
    if (!this.account.uikSeed) throw new VollyError('forbidden_in_state', 'only the first device approves others');
    if (entry.device === this.account.device) throw new VollyError('name_taken', 'this device has that id');
    const others = this.devices.filter(({ device }) => device !== entry.device);
    if (others.length >= LIMITS.devicesPerMember) throw new VollyError('too_large', 'devices');
    this.#identity = this.#nextList([...others, entry], now);
    await this.#save();
    return this.list;
  }

  /**
   * A list without that device, which is lost or was stolen. Throws `forbidden_in_state` without the UIK and for this device itself,
   * which could not say so any more; `not_in_list`.
   */
  async remove(device: DeviceId, now: number): Promise<void> {
    if (!this.account.uikSeed) throw new VollyError('forbidden_in_state', 'only the first device removes others');
    if (device === this.account.device) throw new VollyError('forbidden_in_state', 'this device');
    const others = this.devices.filter((entry) => entry.device !== device);
    if (others.length === this.devices.length) throw new VollyError('not_in_list', 'no such device');
    this.#identity = this.#nextList(others, now);
    await this.#save();
  }

  get #newest(): OwnPrekey {
    return this.#prekeys.at(-1) as OwnPrekey;
  }

  #nextList(entries: readonly NewEntry[], now: number): Identity {
    const account = this.account as Account & { uikSeed: Bytes };
    const options = { account, uik: this.uik, entries, now, previous: this.list.bytes };
    return checkOwnList(this.#deps.provider, account, signOwnList(this.#deps.provider, options), now);
  }

  #save(): Promise<void> {
    return writeRecord(this.#deps.store, 'keys', [this.list.bytes, this.list.signature, this.#prekeys.map(prekeyToCbor)]);
  }
}

function firstList({ account, provider }: KeysDeps, now: number): Signed {
  const { uikSeed, device, dikHash } = account;
  if (!uikSeed) throw new VollyError('not_enrolled', 'no approved list');
  const uik = compositePublicKey(provider, uikSeed);
  return signOwnList(provider, { account: { ...account, uikSeed }, uik, entries: [{ device, dikHash }], now });
}
