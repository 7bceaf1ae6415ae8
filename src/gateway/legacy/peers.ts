/**
 * What the bridge remembers of those whom a legacy member calls or answers: pins, versions, identities (PROTOCOL.md sections 5.4 and 16).
 * As with any device nothing that merely arrives is remembered. A remote community key is pinned once for all members here.
 */
import { type Bytes, equal, fromBase64url, toBase64url } from '../../bytes.ts';
import { VollyError } from '../../errors.ts';
import { type MemberId, type ServerName, serverOf } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { asArray, asBytes, asText, asUint, type Cbor, decodeCbor, encodeCbor } from '../../protocol/cbor.ts';
import type { Community } from '../../protocol/handshake-server.ts';
import { encodeIdentity, type Identity } from '../../protocol/identity.ts';
import { type Known, note, noteEpoch, noteIdentity, onlyListed, pin } from '../../protocol/trust.ts';
import type { FactStore } from '../../storage/types.ts';
import type { Owner } from './credential.ts';

const communityFact = (server: ServerName): string => `community key ${server}`;

export class Peers {
  readonly #facts: FactStore;
  readonly #own: Community;
  readonly #owner: Owner;

  constructor(facts: FactStore, own: Community, owner: Owner) {
    this.#facts = facts;
    this.#own = own;
    this.#owner = owner;
  }

  async known(peer: MemberId): Promise<Known> {
    return (await this.recall(peer)).known;
  }

  /** `isContact`: the member has called or answered this very peer. A pinned community key makes none of its names one. */
  async recall(peer: MemberId): Promise<{ readonly known: Known; readonly isContact: boolean }> {
    const [text, communityPin] = await Promise.all([this.#facts.get(this.#factOf(peer)), this.#communityPin(serverOf(peer))]);
    const known = text === undefined ? {} : decodeKnown(fromBase64url(text) ?? new Uint8Array(0));
    return { known: { ...known, ...(communityPin && { communityPin }) }, isContact: text !== undefined };
  }

  /** The member called or answered. Throws `overloaded` past LIMITS.legacyPeersPerMember. */
  async pin(peer: MemberId, identity: Identity): Promise<void> {
    await this.#count(peer);
    const before = await this.known(peer);
    if (identity.kind === 'legacy' && !before.communityPin)
      await this.#facts.set(communityFact(serverOf(peer)), toBase64url(identity.rootHash));
    await this.#set(peer, before, pin(before, identity));
  }

  /** A verified message or bundle of a contact moves its versions on. Of others nothing is kept: names cost their server nothing. */
  async learn(peer: MemberId, identity: Identity, seen: { readonly epoch?: number; readonly beside?: true }): Promise<void> {
    const { known: before, isContact } = await this.recall(peer);
    const pinned = identity.kind === 'legacy' ? before.communityPin : before.pin;
    if (!isContact || !pinned || !equal(pinned, identity.rootHash)) return;
    let known = note(before, identity);
    if (seen.epoch !== undefined) known = noteEpoch(known, identity.dikHash, seen.epoch);
    if (seen.beside) known = noteIdentity(known, identity.dikHash, encoded(identity));
    const { epochs, identities } = known;
    const listed = { epochs: onlyListed(epochs, identity), identities: onlyListed(identities, identity) };
    await this.#set(peer, before, { ...known, ...listed });
  }

  /** Called inside the line's queue: no two count at once. */
  async #count(peer: MemberId): Promise<void> {
    if ((await this.#facts.get(this.#factOf(peer))) !== undefined) return;
    const fact = `legacy peers ${this.#owner.localpart} ${this.#owner.since}`;
    const count = Number((await this.#facts.get(fact)) ?? 0);
    if (count >= LIMITS.legacyPeersPerMember) throw new VollyError('overloaded', 'peers');
    await this.#facts.set(fact, String(count + 1));
  }

  async #communityPin(server: ServerName): Promise<Bytes | undefined> {
    if (server === this.#own.server) return this.#own.hash as Bytes;
    const text = await this.#facts.get(communityFact(server));
    return text === undefined ? undefined : fromBase64url(text);
  }

  async #set(peer: MemberId, before: Known, known: Known): Promise<void> {
    const text = encodeKnown(known);
    if (text !== encodeKnown(before)) await this.#facts.set(this.#factOf(peer), text);
  }

  #factOf(peer: MemberId): string {
    return `legacy peer ${this.#owner.localpart} ${this.#owner.since} ${peer}`;
  }
}

const encoded = ({ signed, dik, kind, root }: Identity): Bytes =>
  encodeIdentity(signed, dik, kind === 'legacy' ? root : undefined);

const NONE = new Uint8Array(0);

// Maps are flat lists of keys and values: CBOR here nests 4 deep at most.

const encodeKnown = ({ pin: pinned, newest, epochs = {}, identities = {} }: Known): string =>
  toBase64url(
    encodeCbor([
      pinned ?? NONE,
      newest ? [newest.rootHash, newest.version, newest.hash] : [],
      Object.entries(epochs).flat(),
      Object.entries(identities).flat(),
    ]),
  );

function decodeKnown(bytes: Bytes): Known {
  const [pinned, newest, epochs, identities] = asArray(decodeCbor(bytes), 'peer', 4);
  const key = asBytes(pinned, 'pin');
  const [rootHash, version, hash] = asArray(newest, 'newest', 0, 3);
  return {
    ...(key.length > 0 && { pin: key }),
    ...(rootHash !== undefined && {
      newest: { rootHash: asBytes(rootHash, 'root'), version: asUint(version, 'version'), hash: asBytes(hash, 'hash') },
    }),
    epochs: pairs(epochs, (one) => asUint(one, 'epoch')),
    identities: pairs(identities, (one) => asBytes(one, 'identity')),
  };
}

function pairs<T>(value: Cbor | undefined, read: (value: Cbor | undefined) => T): Record<string, T> {
  const flat = asArray(value, 'pairs', 0, 64);
  const out: Record<string, T> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) out[asText(flat[i], 'key')] = read(flat[i + 1]);
  return out;
}
