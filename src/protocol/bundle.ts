/** One device's published keys: an identity with a prekey. PROTOCOL.md section 6. */
import { type Bytes, equal } from '../bytes.ts';
import { COMPOSITE, compositeVerify } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { MemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, decodeCbor, encodeCbor } from './cbor.ts';
import { checkEntry, checkSignedList, type Verified } from './check.ts';
import type { Target } from './header.ts';
import { type Identity, readIdentity } from './identity.ts';
import type { Signed } from './list.ts';
import { decodePrekey, type Prekey } from './prekey.ts';
import { CONTEXT, SUITE } from './suite.ts';
import { checkEpoch, checkPin, checkVersion, type Known } from './trust.ts';

/** Parsed, and not verified. */
export interface Bundle {
  readonly identity: Identity;
  readonly prekey: Prekey;
  readonly signedPrekey: Signed;
}

/** A verified device of another member: whom an offer, subscribe or grant can be sealed to. */
export interface Peer extends Bundle {
  /** As it stands in a header. */
  readonly target: Target;
}

/** With a community key, of a legacy member. About 12.1 kB with one device; 13.4 kB with 16. */
export const encodeBundle = (list: Signed, dik: Bytes, prekey: Signed, communityKey?: Bytes): Bytes =>
  encodeCbor([list.bytes, list.signature, dik, ...(communityKey ? [communityKey] : []), prekey.bytes, prekey.signature]);

/** Shape and the key checks of section 1. Throws `bad_encoding`, `bad_address`, `bad_key`. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const fields = asArray(decodeCbor(bytes), 'bundle', 5, 6);
  const signedPrekey: Signed = {
    bytes: asBytes(fields.at(-2), 'prekey'),
    signature: asBytes(fields.at(-1), 'prekey_signature', COMPOSITE.signature),
  };
  return { identity: readIdentity(fields.slice(0, -2)), prekey: decodePrekey(signedPrekey.bytes), signedPrekey };
}

export interface BundleCheck {
  /** Whom the bundle was asked for. */
  readonly member: MemberId;
  readonly known: Known;
  /** Unix time in milliseconds: the later of gateway and local clock. */
  readonly now: number;
  /** A legacy member is reached only where the app allows it. Default false. */
  readonly allowLegacy?: boolean;
  readonly verified?: Verified;
}

/**
 * All of section 6, in its order; what returns may be sealed to. Throws `bad_encoding`, `bad_address`, `bad_key`, `wrong_sender`,
 * `not_end_to_end`, `downgrade`, `identity_changed`, `bad_signature`, `expired`, `clock_skew`, `stale_list`, `not_in_list`,
 * `unknown_suite`, `replayed`.
 */
export function checkBundle(provider: Provider, bytes: Uint8Array, options: BundleCheck): Peer {
  const { member, known, now } = options;
  const bundle = decodeBundle(bytes);
  const { identity, prekey, signedPrekey } = bundle;
  if (identity.member !== member || prekey.member !== member) throw new VollyError('wrong_sender', 'a bundle of another member');
  checkPin(known, identity);
  if (identity.kind === 'legacy' && !options.allowLegacy) throw new VollyError('not_end_to_end');
  checkSignedList(provider, identity, now, options.verified);
  checkVersion(known, identity);
  checkEntry(identity, prekey.device, now);
  checkPrekey(provider, bundle, now);
  checkEpoch(known, identity.dikHash, prekey.epoch);
  const { rootHash: uikHash, version: listVersion, dikHash } = identity;
  const target = { member, device: prekey.device, uikHash, listVersion, dikHash, prekeyHash: sha256(signedPrekey.bytes) };
  return { ...bundle, target };
}

function checkPrekey(provider: Provider, { identity, prekey, signedPrekey }: Bundle, now: number): void {
  if (!compositeVerify(provider, identity.dik, signedPrekey.bytes, CONTEXT.prekey, signedPrekey.signature))
    throw new VollyError('bad_signature', 'prekey');
  if (!equal(prekey.uikHash, identity.rootHash)) throw new VollyError('wrong_sender', 'a prekey under another identity');
  // R12: a device that leaves the suite out is not called with something weaker.
  if (!prekey.suites.includes(SUITE)) throw new VollyError('unknown_suite', 'prekey');
  if (now > prekey.notAfter) throw new VollyError('expired', 'prekey');
  // A prekey that never ends would never be erased: what its seed opens later is what its life is there to bound.
  if (prekey.notAfter > now + LIMITS.prekeyLifeMs + LIMITS.keysAheadMs) throw new VollyError('clock_skew', 'prekey');
}
