/**
 * What can be verified without any secret: lists, statements, and the signatures of offers, subscribes and grants (PROTOCOL.md
 * section 12, steps 1, 2, 4, 7 and 8). The gateway verifies its members' lists with it, so this file must never reach what seals and opens.
 */
import { type Bytes, concat, equal, toHex } from '../bytes.ts';
import { COMPOSITE, compositeVerify } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { XWING } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import type { DeviceId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from './envelope.ts';
import { checkTime, type HeaderBytes, isTarget, readHeader, type Target } from './header.ts';
import { decodeIdentity, type Identity } from './identity.ts';
import { CONTEXT } from './suite.ts';
import { checkPin, checkVersion, type Known } from './trust.ts';

/** Remembers lists and statements whose signature was verified: a `Set` will do, where something bounds it. */
export interface Verified {
  has(key: string): boolean;
  add(key: string): unknown;
}

/**
 * The signature of a list by its UIK or of a statement by the community key, and its life. The cache's key covers root and
 * bytes, never the signature, which is not unique. Throws `bad_signature`, `expired`, `clock_skew`.
 */
export function checkSignedList(provider: Provider, identity: Identity, now: number, verified?: Verified): void {
  const { kind, root, signed } = identity;
  const context = kind === 'legacy' ? CONTEXT.legacy : CONTEXT.devlist;
  const key = `${kind} ${toHex(identity.rootHash)} ${toHex(identity.hash)}`;
  if (!verified?.has(key)) {
    if (!compositeVerify(provider, root, signed.bytes, context, signed.signature)) throw new VollyError('bad_signature', 'list');
    verified?.add(key);
  }
  if (now > identity.expires) throw new VollyError('expired', 'list');
  // A list from far ahead would not expire: a bridge that lied about the time when it was made could show it for ever.
  if ((identity.issuedAt ?? 0) > now + LIMITS.keysAheadMs) throw new VollyError('clock_skew', 'list');
}

/** That the identity's DIK is the one the list names for this device. R6, R7. Throws `not_in_list`, `expired`. */
export function checkEntry(identity: Identity, device: DeviceId, now: number): void {
  const entry = identity.entries.find((one) => one.device === device);
  if (!entry || !equal(entry.dikHash, identity.dikHash)) throw new VollyError('not_in_list');
  if (now > entry.notAfter) throw new VollyError('expired', 'device');
}

/** What opens a conversation with a device: sealed to its prekey and signed. */
export type OpeningType = keyof typeof OPENINGS;
export type OpeningEnvelope = { [T in OpeningType]: EnvelopeOf<T> }[OpeningType];

/** Each with its signature's context (also the label of its HPKE info) and its longest life in milliseconds. */
export const OPENINGS = {
  'app.volly.call.offer': { context: CONTEXT.offer, lifetime: LIMITS.offerLifeMs },
  'app.volly.presence.subscribe': { context: CONTEXT.subscribe, lifetime: LIMITS.grantLifeMs },
  'app.volly.presence.grant': { context: CONTEXT.grant, lifetime: LIMITS.grantLifeMs },
} as const;

export interface Opening extends HeaderBytes {
  readonly envelope: OpeningEnvelope;
  readonly to: Target;
  /** hdr ‖ enc ‖ ct: what is signed, and whose hash is H_offer. */
  readonly signed: Bytes;
}

const TAG = 16;

/**
 * Steps 1 and 2: sizes, shape, type, direction, epoch. Throws `too_large`, `bad_encoding`, `bad_address`, `wrong_type`,
 * `unknown_suite`, `wrong_sender`, `wrong_recipient`.
 */
export function readOpening(envelope: OpeningEnvelope): Opening {
  const { quantum_key, sealed, signature } = envelope;
  if (sealed.length > LIMITS.bodyBytes + TAG) throw new VollyError('too_large', 'sealed');
  if (quantum_key.length !== XWING.ciphertext) throw new VollyError('bad_encoding', 'quantum_key');
  if (signature.length !== COMPOSITE.signature) throw new VollyError('bad_encoding', 'signature');
  const { header, bytes } = readHeader(envelope);
  if (header.direction !== 0) throw new VollyError('wrong_type', 'direction');
  const { to } = header;
  if (!isTarget(to)) throw new VollyError('bad_encoding', 'to');
  // A grant's seq is its grant_no.
  if (header.epoch !== 0 || (header.seq !== 0 && envelope.type !== 'app.volly.presence.grant'))
    throw new VollyError('bad_encoding', 'epoch or seq');
  return { envelope, header, bytes, to, signed: concat(bytes, quantum_key, sealed) };
}

/** Step 4. Throws `bad_encoding` for a lifetime past the type's, `clock_skew`, `expired`. */
export const checkOpeningTime = ({ header, envelope }: Opening, now: number): void =>
  checkTime(header, now, OPENINGS[envelope.type].lifetime);

export interface SenderCheck {
  /** What is remembered of the sender's member. */
  readonly known: Known;
  readonly now: number;
  readonly verified?: Verified;
}

/**
 * Steps 7 and 8: the pin, the identity beside the message or the one kept from before, and the signature. Throws `downgrade`,
 * `identity_changed`, `wrong_sender`, `bad_encoding`, `bad_address`, `bad_key`, `bad_signature`, `expired`, `clock_skew`,
 * `stale_list`, `not_in_list`.
 */
export function checkSender(provider: Provider, opening: Opening, options: SenderCheck): Identity {
  const { known, now } = options;
  const { from } = opening.header;
  const encoded = opening.envelope.identity ?? known.identities?.[toHex(from.dikHash)];
  if (!encoded) throw new VollyError('not_in_list', 'no identity');
  const identity = decodeIdentity(encoded);
  checkPin(known, identity);
  // R6, R9: the header's sender is the envelope's (`readHeader`), whose server the bridge compared with where it came from.
  if (identity.member !== from.member) throw new VollyError('wrong_sender', 'an identity of another member');
  if (!equal(identity.rootHash, from.uikHash) || !equal(identity.dikHash, from.dikHash))
    throw new VollyError('wrong_sender', 'other keys than the header names');
  checkSignedList(provider, identity, now, options.verified);
  checkVersion(known, identity);
  if (identity.version !== from.listVersion) throw new VollyError('stale_list', 'another version than the header names');
  checkEntry(identity, from.device, now);
  const { envelope, signed } = opening;
  if (!compositeVerify(provider, identity.dik, signed, OPENINGS[envelope.type].context, envelope.signature))
    throw new VollyError('bad_signature', 'message');
  return identity;
}

/** H(hdr ‖ enc ‖ ct): H_offer of an offer. Never over the signature. */
export const openingHash = (opening: Pick<Opening, 'signed'>): Bytes => sha256(opening.signed);
