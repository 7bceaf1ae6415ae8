/**
 * What this device remembers of other members: pins, versions, whether they may see its presence (PROTOCOL.md section 5.4). Entries
 * appear only when the user calls, answers or accepts; nothing that arrives adds one.
 */
import { type Bytes, equal, toHex } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import type { MemberId } from '../ids.ts';
import { parseMemberId } from '../ids.ts';
import { asArray, asBool, asBytes, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import { encodeIdentity, type Identity } from '../protocol/identity.ts';
import { checkPin, type Known, note, noteEpoch, noteIdentity, onlyListed, pin } from '../protocol/trust.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

export interface Contact {
  readonly known: Known;
  /** The UIK itself, once seen under the pin: the safety number needs it. */
  readonly uik?: Bytes;
  /** The user compared safety numbers. */
  readonly verified: boolean;
  /** May see our presence (section 13): consent is per UIK and goes with it. */
  readonly sharesPresence: boolean;
  /** Our list version that a device of theirs has confirmed, by H(DIK) in hexadecimal: it needs no `identity` beside our messages. */
  readonly confirmed: Readonly<Record<string, number>>;
}

const NOBODY: Contact = { known: {}, verified: false, sharesPresence: false, confirmed: {} };
const MAX_CONTACTS = 10_000;

export class Contacts {
  readonly #store: Store;
  readonly #contacts: Map<MemberId, Contact>;
  /** Another root than the pinned one was seen: what the user is asked to accept. In memory: it will be seen again. */
  readonly #changed = new Map<MemberId, Bytes>();

  private constructor(store: Store, contacts: Map<MemberId, Contact>) {
    this.#store = store;
    this.#contacts = contacts;
  }

  static async load(store: Store): Promise<Contacts> {
    const fields = await readRecord(store, 'contacts');
    const rows = fields ? asArray(fields[0], 'contacts', 0, MAX_CONTACTS) : [];
    return new Contacts(store, new Map(rows.map(decodeContact)));
  }

  get(member: MemberId): Contact {
    return this.#contacts.get(member) ?? NOBODY;
  }

  known(member: MemberId): Known {
    return this.get(member).known;
  }

  isPinned(member: MemberId): boolean {
    const { pin, communityPin } = this.known(member);
    return pin !== undefined || communityPin !== undefined;
  }

  members(): readonly MemberId[] {
    return [...this.#contacts.keys()];
  }

  /**
   * The user called, answered or accepted this member under this identity. Throws `identity_changed`, `downgrade` where another was pinned
   * since it was checked: what rang or asked before that must not take its place.
   */
  async pin(member: MemberId, identity: Identity): Promise<void> {
    const contact = this.get(member);
    checkPin(contact.known, identity);
    const uik = identity.kind === 'enhanced' ? { uik: identity.root } : {};
    await this.#set(member, { ...contact, ...uik, known: pin(contact.known, identity) });
  }

  /** Of an address with `#` (section 2): before any key of the member was seen. A pin that stands is not touched. */
  async pinHash(member: MemberId, uikHash: Bytes): Promise<void> {
    const contact = this.get(member);
    if (!contact.known.pin) await this.#set(member, { ...contact, known: { ...contact.known, pin: uikHash } });
  }

  /** Verified messages and bundles of a pinned member move its versions and epochs on. Without a pin nothing is kept. */
  async learn(member: MemberId, identity: Identity, seen: { epoch?: number; identity?: Bytes } = {}): Promise<void> {
    const contact = this.#contacts.get(member);
    if (!contact) return;
    let known = note(contact.known, identity);
    if (!known.pin || !equal(known.pin, identity.rootHash)) return this.#set(member, { ...contact, known });
    if (seen.epoch !== undefined) known = noteEpoch(known, identity.dikHash, seen.epoch);
    if (seen.identity) known = noteIdentity(known, identity.dikHash, seen.identity);
    const isNewest = known.newest !== undefined && equal(known.newest.hash, identity.hash);
    const kept = isNewest
      ? {
          known: {
            ...known,
            epochs: onlyListed(known.epochs, identity),
            identities: onlyListed(known.identities, identity),
          },
          confirmed: onlyListed(contact.confirmed, identity),
        }
      : { known };
    await this.#set(member, { ...contact, uik: identity.root, ...kept });
  }

  async confirm(member: MemberId, dikHash: Bytes, listVersion: number): Promise<void> {
    const contact = this.#contacts.get(member);
    if (!contact || contact.confirmed[toHex(dikHash)] === listVersion) return;
    await this.#set(member, { ...contact, confirmed: { ...contact.confirmed, [toHex(dikHash)]: listVersion } });
  }

  hasConfirmed(member: MemberId, dikHash: Bytes, listVersion: number): boolean {
    return this.get(member).confirmed[toHex(dikHash)] === listVersion;
  }

  async sharePresence(member: MemberId, shares: boolean): Promise<void> {
    await this.#set(member, { ...this.get(member), sharesPresence: shares });
  }

  /** Throws `unknown_member` for whom there was nothing to compare with. */
  async verify(member: MemberId): Promise<void> {
    if (!this.get(member).uik) throw new VollyError('unknown_member', 'not a contact with an identity');
    await this.#set(member, { ...this.get(member), verified: true });
  }

  noteChanged(member: MemberId, rootHash: Bytes): void {
    this.#changed.set(member, rootHash);
  }

  changed(member: MemberId): Bytes | undefined {
    return this.#changed.get(member);
  }

  /** The user accepts the new identity: it is another person until compared, so consent and verification are gone. */
  async acceptChanged(member: MemberId): Promise<boolean> {
    const rootHash = this.#changed.get(member);
    if (!rootHash) return false;
    this.#changed.delete(member);
    await this.#set(member, { ...NOBODY, known: { pin: rootHash } });
    return true;
  }

  async #set(member: MemberId, contact: Contact): Promise<void> {
    this.#contacts.set(member, contact);
    await writeRecord(this.#store, 'contacts', [[...this.#contacts].map(encodeContact)]);
  }
}

/** An identity as it travels: what is kept for messages of that device that come without. */
export const asSent = ({ signed, dik, kind, root }: Identity): Bytes =>
  encodeIdentity(signed, dik, kind === 'legacy' ? root : undefined);

const NONE = new Uint8Array();
const optional = (bytes: Bytes): Bytes | undefined => (bytes.length > 0 ? bytes : undefined);

// Maps are flat lists of keys and values: CBOR here nests 4 deep at most.

function encodeContact([member, { known, uik, verified, sharesPresence, confirmed }]: [MemberId, Contact]): Cbor {
  return [
    member,
    known.pin ?? NONE,
    known.communityPin ?? NONE,
    known.newest ? [known.newest.rootHash, known.newest.version, known.newest.hash] : [],
    Object.entries(known.epochs ?? {}).flat(),
    Object.entries(known.identities ?? {}).flat(),
    uik ?? NONE,
    verified,
    sharesPresence,
    Object.entries(confirmed).flat(),
  ];
}

function decodeContact(value: Cbor): [MemberId, Contact] {
  const [member, pinned, community, newest, epochs, identities, uik, verified, shares, confirmed] = asArray(value, 'contact', 10);
  const [rootHash, version, hash] = asArray(newest, 'newest', 0, 3);
  const key = optional(asBytes(pinned, 'pin'));
  const communityKey = optional(asBytes(community, 'community pin'));
  const ownKey = optional(asBytes(uik, 'uik'));
  const known: Known = {
    ...(key && { pin: key }),
    ...(communityKey && { communityPin: communityKey }),
    ...(rootHash !== undefined && {
      newest: { rootHash: asBytes(rootHash, 'root'), version: asUint(version, 'version'), hash: asBytes(hash, 'hash') },
    }),
    epochs: pairs(epochs, (one) => asUint(one, 'epoch')),
    identities: pairs(identities, (one) => asBytes(one, 'identity')),
  };
  const contact: Contact = {
    known,
    ...(ownKey && { uik: ownKey }),
    verified: asBool(verified, 'verified'),
    sharesPresence: asBool(shares, 'shares'),
    confirmed: pairs(confirmed, (one) => asUint(one, 'confirmed')),
  };
  return [parseMemberId(asText(member, 'member')), contact];
}

function pairs<T>(value: Cbor | undefined, read: (value: Cbor | undefined) => T): Record<string, T> {
  const flat = asArray(value, 'pairs', 0, 1_000);
  const out: Record<string, T> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) out[asText(flat[i], 'key')] = read(flat[i + 1]);
  return out;
}
