/**
 * What vouches for a device identity key: a device list under the member's UIK or, for a legacy member, a statement under the
 * community key. PROTOCOL.md sections 5.5 and 16. Both parse to one shape, so that all checks are written once.
 */
import type { Bytes } from '../bytes.ts';
import { COMPOSITE, checkCompositePublicKey } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import { LEGACY_DEVICE, type MemberId } from '../ids.ts';
import { asArray, asBytes, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';
import { decodeLegacyStatement } from './legacy.ts';
import { type DeviceEntry, decodeList, type Signed } from './list.ts';

/** Parsed, and not verified: `checkSignedList` of check.ts does that. */
export interface Identity {
  readonly kind: 'enhanced' | 'legacy';
  readonly member: MemberId;
  /** The key above: UIK or community key, 1,984 bytes, and its hash. */
  readonly root: Bytes;
  readonly rootHash: Bytes;
  /** The list or statement. */
  readonly signed: Signed;
  /** H(list or statement). */
  readonly hash: Bytes;
  readonly version: number;
  /** Unix times in milliseconds; a statement does not say when it was issued. */
  readonly issuedAt?: number;
  readonly expires: number;
  readonly entries: readonly DeviceEntry[];
  /** The device identity key, 1,984 bytes, and its hash. */
  readonly dik: Bytes;
  readonly dikHash: Bytes;
}

/** Of an own device: [list, its signature, DIK]. With a community key, of a legacy member. */
export const encodeIdentity = (signed: Signed, dik: Bytes, communityKey?: Bytes): Bytes =>
  encodeCbor([signed.bytes, signed.signature, dik, ...(communityKey ? [communityKey] : [])]);

/** Shape and keys. Throws `bad_encoding`, `bad_address`, `bad_key`. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  return readIdentity(asArray(decodeCbor(bytes), 'identity', 3, 4));
}

/** The 3 fields of an enhanced identity or the 4 of a legacy one; a bundle begins with them too. */
export function readIdentity(fields: readonly Cbor[]): Identity {
  const signed: Signed = {
    bytes: asBytes(fields[0], 'list'),
    signature: asBytes(fields[1], 'list_signature', COMPOSITE.signature),
  };
  const dik = asBytes(fields[2], 'dik', COMPOSITE.publicKey);
  checkCompositePublicKey(dik);
  const common = { signed, hash: sha256(signed.bytes), dik, dikHash: sha256(dik) };
  if (fields.length === 3) {
    const { member, uik, version, issuedAt, expires, entries } = decodeList(signed.bytes);
    return { kind: 'enhanced', member, root: uik, rootHash: sha256(uik), version, issuedAt, expires, entries, ...common };
  }
  const root = asBytes(fields[3], 'community_key', COMPOSITE.publicKey);
  checkCompositePublicKey(root);
  const { member, dikHash, version, expires } = decodeLegacyStatement(signed.bytes);
  const entries = [{ device: LEGACY_DEVICE, dikHash, notAfter: expires }];
  return { kind: 'legacy', member, root, rootHash: sha256(root), version, expires, entries, ...common };
}
