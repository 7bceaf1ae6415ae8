/**
 * The members' device lists, one change at a time for each member: what is decided by looking at the stored list stays true
 * until it is written. PROTOCOL.md sections 5.2 and 14.3.
 */
import { type Bytes, equal } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, deviceAddress, deviceOf, type Localpart, localpartOf, type MemberId, memberOf } from '../ids.ts';
import { asArray, asBytes, decodeCbor, encodeCbor } from '../protocol/cbor.ts';
import type { Identity } from '../protocol/identity.ts';
import { type DeviceList, decodeList, type Signed } from '../protocol/list.ts';
import type { MemberStore, TicketStore } from '../storage/types.ts';

export interface StoredList {
  readonly list: DeviceList;
  readonly signed: Signed;
  /** H(list). */
  readonly hash: Uint8Array;
}

/** Hears of every newer list, after it is durable. `removed` are the devices it dropped or gave another key. */
export type ListChanged = (
  member: MemberId,
  list: DeviceList,
  signed: Signed,
  removed: readonly DeviceAddress[],
  from: DeviceAddress,
) => void;

/** The store takes a list as one value: [list, signature]. Its hash is of the list alone. */
const pack = ({ bytes, signature }: Signed): Bytes => encodeCbor([bytes, signature]);

export function unpackList(stored: { readonly hash: Uint8Array; readonly bytes: Uint8Array }): StoredList {
  const [list, signature] = asArray(decodeCbor(stored.bytes), 'stored list', 2);
  const signed = { bytes: asBytes(list, 'list'), signature: asBytes(signature, 'signature') };
  return { list: decodeList(signed.bytes), signed, hash: stored.hash };
}

/** The entry's device must hold this very key. Its `not_after` counts: a device's own life ends, a list's is renewed. */
export const holds = ({ list }: StoredList, device: string, dikHash: Uint8Array, now: number): boolean =>
  list.entries.some((entry) => entry.device === device && equal(entry.dikHash, dikHash) && now <= entry.notAfter);

/** A newcomer's leave to enrol. */
export interface Leave {
  /** Throws where there is none. */
  check(): Promise<void>;
  /**
   * After the member is durable. A crash in between costs nobody anything: the device comes back as a member, and the leave, which is for
   * this name alone, opens nothing any more.
   */
  spend(): Promise<void>;
}

export class Roster {
  readonly #members: MemberStore;
  readonly #tickets: TicketStore;
  readonly #changed: ListChanged;
  readonly #turns = new Map<Localpart, Promise<unknown>>();

  constructor(members: MemberStore, tickets: TicketStore, changed: ListChanged) {
    this.#members = members;
    this.#tickets = tickets;
    this.#changed = changed;
  }

  /**
   * Whether the operator lets this device in. Throws `suspended`, and `not_enrolled` for a device that is barred; a name that is no member's
   * passes here.
   */
  async admit(device: DeviceAddress, dikHash: Uint8Array): Promise<void> {
    const said = await this.#members.admits(localpartOf(memberOf(device)), deviceOf(device), dikHash);
    if (said === 'suspended') throw new VollyError('suspended');
    if (said === 'barred') throw new VollyError('not_enrolled', 'the operator bars the device');
  }

  async newest(member: Localpart): Promise<StoredList | undefined> {
    const stored = await this.#members.list(member);
    return stored && unpackList(stored);
  }

  /**
   * Takes a list whose signature has been verified, and returns the newest there is. A member without one needs
   * `leave`. Throws `identity_changed` for another UIK, `stale_list` for a second list of one version.
   */
  accept(identity: Identity, from: DeviceAddress, leave: Leave): Promise<StoredList> {
    const member = localpartOf(identity.member);
    return this.#inTurn(member, async () => {
      const stored = await this.newest(member);
      if (stored === undefined) {
        await leave.check();
        await this.#members.add(member, 'enhanced');
        // A legacy member of that name, whose kind the store keeps: never both (section 16).
        if ((await this.#members.kind(member)) !== 'enhanced') throw new VollyError('name_taken');
        const set = await this.#set(member, identity, undefined, from);
        await leave.spend();
        return set;
      }
      if (!equal(stored.list.uik, identity.root)) throw new VollyError('identity_changed');
      if (identity.version === stored.list.version && !equal(identity.hash, stored.hash)) throw new VollyError('stale_list');
      return identity.version > stored.list.version ? this.#set(member, identity, stored, from) : stored;
    });
  }

  async #set(member: Localpart, identity: Identity, before: StoredList | undefined, from: DeviceAddress): Promise<StoredList> {
    const { signed, hash, version } = identity;
    const list = decodeList(signed.bytes);
    const devices = list.entries.map(({ device, dikHash }) => ({ member, device, key: dikHash }));
    await this.#members.setList(member, { version, hash, bytes: pack(signed), devices });
    const removed = (before?.list.entries ?? [])
      .filter(({ device, dikHash }) => !list.entries.some((entry) => entry.device === device && equal(entry.dikHash, dikHash)))
      .map(({ device }) => deviceAddress(identity.member, device));
    for (const device of removed) await this.#tickets.revoke(device);
    this.#changed(identity.member, list, signed, removed, from);
    return { list, signed, hash };
  }

  /** H(the prekey statement) that is shelved for a device, or empty. */
  async shelvedPrekey(member: Localpart, device: string): Promise<Bytes> {
    const found = (await this.#members.bundles(member)).find((row) => row.device === device);
    return found ? sha256(asBytes(asArray(decodeCbor(found.bundle), 'bundle', 5)[3], 'prekey')) : new Uint8Array(0);
  }

  #inTurn<R>(member: Localpart, work: () => Promise<R>): Promise<R> {
    const turn = (this.#turns.get(member) ?? Promise.resolve()).then(work, work);
    this.#turns.set(member, turn);
    const done = () => {
      if (this.#turns.get(member) === turn) this.#turns.delete(member);
    };
    turn.then(done, done);
    return turn;
  }
}
