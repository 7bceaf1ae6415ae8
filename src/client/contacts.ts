/**
 * What this device remembers of other members: pins, versions, whether they may see its presence (PROTOCOL.md section 5.4). Entries
 * appear only when the user calls, answers or accepts; nothing that arrives adds one.
 */
import { type Bytes, equal, toBase64url, toHex } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { type MemberId, parseMemberId, parseServerName, type ServerName, serverOf } from '../ids.ts';
import { asArray, asBool, asBytes, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import { encodeIdentity, type Identity } from '../protocol/identity.ts';
import { checkPin, type Known, note, noteEpoch, noteIdentity, onlyListed, pin } from '../protocol/trust.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

export interface Contact {
  /** Here `communityPin` says that the user called or answered this legacy member. The pin itself is its server's: see `known`. */
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
const MAX_CHANGED = 1_000;

/** Of this device's own server: it came with the invite. */
export interface OwnCommunity {
  readonly server: ServerName;
  /** H(community key): may become its successor's. */
  readonly keyHash: Bytes;
}

export class Contacts {
  readonly #store: Store;
  readonly #own: OwnCommunity;
  readonly #contacts: Map<MemberId, Contact>;
  /** H(community key) of servers whose legacy members were called or answered: one for all members of a server (section 16). */
  readonly #communities: Map<ServerName, Bytes>;
  /** Another root than the pinned one was seen last: what the user is asked to accept. In memory: it will be seen again. */
  readonly #changed = new Map<MemberId, { readonly kind: Identity['kind']; readonly rootHash: Bytes }>();

  private constructor(store: Store, own: OwnCommunity, contacts: Map<MemberId, Contact>, communities: Map<ServerName, Bytes>) {
    this.#store = store;
    this.#own = own;
    this.#contacts = contacts;
    this.#communities = communities;
  }

  static async load(store: Store, own: OwnCommunity): Promise<Contacts> {
    const fields = await readRecord(store, 'contacts');
    const rows = fields ? asArray(fields[0], 'contacts', 0, MAX_CONTACTS) : [];
    const contacts = new Map(rows.map(decodeContact));
    return new Contacts(store, own, contacts, decodeCommunities(fields?.[1], contacts));
  }

  get(member: MemberId): Contact {
    return this.#contacts.get(member) ?? NOBODY;
  }

  /** What a message or bundle of the member is checked against. */
  known(member: MemberId): Known {
    const { communityPin: _, ...known } = this.get(member).known;
    const communityPin = this.#communityPin(serverOf(member));
    return { ...known, ...(communityPin && { communityPin }) };
  }

  /** This very member: a pinned community key makes contacts of none of its names. */
  isPinned(member: MemberId): boolean {
    const { pin, communityPin } = this.get(member).known;
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
    checkPin(this.known(member), identity);
    if (identity.kind === 'legacy') this.#communities.set(serverOf(member), identity.rootHash);
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
    let known = note(contact.known.communityPin ? this.known(member) : contact.known, identity);
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
    // Where a UIK is pinned a legacy root is refused as a downgrade: so without one it is the community key that is another.
    const kind = this.known(member).pin ? 'enhanced' : 'legacy';
    this.#changed.delete(member);
    this.#changed.set(member, { kind, rootHash });
    // Under a community key names cost nothing.
    if (this.#changed.size > MAX_CHANGED) this.#changed.delete(this.#changed.keys().next().value as MemberId);
  }

  /** Of the root that was seen last in place of the pinned one: base64url, as after `#` in an address. */
  changedFingerprint(member: MemberId): string | undefined {
    const changed = this.#changed.get(member);
    return changed && toBase64url(changed.rootHash);
  }

  /** False where it is accepted already. Throws `identity_changed` where another one was seen last: the user was not shown that. */
  isToAccept(member: MemberId, fingerprint: string): boolean {
    const { pin: uikHash } = this.known(member);
    const changed = this.changedFingerprint(member);
    if (fingerprint !== (changed ?? (uikHash && toBase64url(uikHash))))
      throw new VollyError('identity_changed', 'another one than was shown');
    return changed !== undefined;
  }

  /**
   * The user accepts the identity that was shown: it is another person until compared, so consent and verification are gone. A community
   * key is accepted for all members of its server. Throws as `isToAccept`; `wrong_community` for one of the own server, which came with
   * the invite; `downgrade` where the member has shown a UIK since.
   */
  async acceptChanged(member: MemberId, fingerprint: string): Promise<void> {
    const changed = this.#changed.get(member);
    if (!this.isToAccept(member, fingerprint) || !changed) return;
    const { kind, rootHash } = changed;
    if (kind === 'legacy') {
      if (serverOf(member) === this.#own.server) throw new VollyError('wrong_community', 'of the own server');
      if (this.known(member).pin) throw new VollyError('downgrade', 'a legacy statement for a pinned member');
      this.#communities.set(serverOf(member), rootHash);
    }
    this.#changed.delete(member);
    await this.#set(member, { ...NOBODY, known: kind === 'legacy' ? { communityPin: rootHash } : { pin: rootHash } });
  }

  #communityPin(server: ServerName): Bytes | undefined {
    return server === this.#own.server ? this.#own.keyHash : this.#communities.get(server);
  }

  async #set(member: MemberId, contact: Contact): Promise<void> {
    this.#contacts.set(member, contact);
    await writeRecord(this.#store, 'contacts', [[...this.#contacts].map(encodeContact), [...this.#communities].flat()]);
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

/** An older program kept a community's key with each contact: the first one counts. */
function decodeCommunities(value: Cbor | undefined, contacts: ReadonlyMap<MemberId, Contact>): Map<ServerName, Bytes> {
  const communities = new Map<ServerName, Bytes>();
  if (value === undefined) {
    for (const [member, { known }] of contacts)
      if (known.communityPin && !communities.has(serverOf(member))) communities.set(serverOf(member), known.communityPin);
    return communities;
  }
  const flat = asArray(value, 'communities', 0, 2 * MAX_CONTACTS);
  for (let i = 0; i + 1 < flat.length; i += 2)
    communities.set(parseServerName(asText(flat[i], 'server')), asBytes(flat[i + 1], 'community pin'));
  return communities;
}

function pairs<T>(value: Cbor | undefined, read: (value: Cbor | undefined) => T): Record<string, T> {
  const flat = asArray(value, 'pairs', 0, 1_000);
  const out: Record<string, T> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) out[asText(flat[i], 'key')] = read(flat[i + 1]);
  return out;
}
