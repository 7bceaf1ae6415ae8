/** The header of every sealed message: its AAD, so each word of it is authenticated. PROTOCOL.md section 7. */
import { type Bytes, equal } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import {
  type CallId,
  callIdBytes,
  callIdFromBytes,
  type DeviceAddress,
  type DeviceId,
  deviceAddress,
  type MemberId,
  parseDeviceId,
  parseMemberId,
} from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asText, asUint, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';
import type { Envelope, EnvelopeType } from './envelope.ts';
import { CALL_ID_BYTES, HASH_BYTES, SUITE } from './suite.ts';

/** A device, named by everything that vouches for it. Hashes are of 32 bytes. */
export interface Party {
  readonly member: MemberId;
  readonly device: DeviceId;
  /** H(UIK); of a legacy member H(community key). */
  readonly uikHash: Bytes;
  /** Of the device list; of a legacy member its statement's version. */
  readonly listVersion: number;
  readonly dikHash: Bytes;
}

/** Whom an offer, subscribe or grant is sealed to. */
export interface Target extends Party {
  /** H(prekey statement). */
  readonly prekeyHash: Bytes;
}

/** 0 from the caller, subscriber or granter; 1 from the callee. */
export type Direction = 0 | 1;

export interface Header {
  readonly type: EnvelopeType;
  readonly direction: Direction;
  readonly callId: CallId;
  readonly from: Party;
  readonly to: Party | Target;
  readonly epoch: number;
  readonly seq: number;
  /** Unix time in milliseconds. */
  readonly sentTs: number;
  /** Milliseconds. */
  readonly lifetime: number;
}

/** A header with the bytes it came in or goes out as: hashes, AAD and signatures cover these. */
export interface HeaderBytes {
  readonly header: Header;
  readonly bytes: Bytes;
}

export const addressOf = (party: Party): DeviceAddress => deviceAddress(party.member, party.device);
export const isTarget = (party: Party | Target): party is Target => 'prekeyHash' in party;

/** Without the prekey: the form of all messages after the first. */
export const partyOf = ({ member, device, uikHash, listVersion, dikHash }: Party): Party => ({
  member,
  device,
  uikHash,
  listVersion,
  dikHash,
});

export const sameParty = (a: Party, b: Party): boolean =>
  a.member === b.member &&
  a.device === b.device &&
  a.listVersion === b.listVersion &&
  equal(a.uikHash, b.uikHash) &&
  equal(a.dikHash, b.dikHash);

const encodeParty = (party: Party | Target): Cbor => {
  const fields = [party.member, party.device, party.uikHash, party.listVersion, party.dikHash];
  return isTarget(party) ? [...fields, party.prekeyHash] : fields;
};

function decodeParty(value: Cbor | undefined, what: string): Party | Target {
  const fields = asArray(value, what, 5, 6);
  const party: Party = {
    member: parseMemberId(asText(fields[0], what)),
    device: parseDeviceId(asText(fields[1], what)),
    uikHash: asBytes(fields[2], what, HASH_BYTES),
    listVersion: asUint(fields[3], what),
    dikHash: asBytes(fields[4], what, HASH_BYTES),
  };
  return fields.length === 6 ? { ...party, prekeyHash: asBytes(fields[5], what, HASH_BYTES) } : party;
}

export function encodeHeader(header: Header): HeaderBytes {
  const { type, direction, callId, from, to, epoch, seq, sentTs, lifetime } = header;
  const parties = [encodeParty(partyOf(from)), encodeParty(to)] as const;
  const bytes = encodeCbor([SUITE, type, direction, callIdBytes(callId), ...parties, epoch, seq, sentTs, lifetime]);
  return { header, bytes };
}

/**
 * The header of an envelope, and that both name the same type and parties. Throws `too_large`, `bad_encoding`, `bad_address`,
 * `unknown_suite`, `wrong_type`, `wrong_sender`, `wrong_recipient`.
 */
export function readHeader(envelope: Envelope & { readonly header: Bytes }): HeaderBytes {
  if (envelope.header.length > LIMITS.headerBytes) throw new VollyError('too_large', 'header');
  const header = decodeHeader(envelope.header, envelope.type);
  if (addressOf(header.from) !== envelope.from) throw new VollyError('wrong_sender', 'envelope and header differ');
  if (addressOf(header.to) !== envelope.to) throw new VollyError('wrong_recipient', 'envelope and header differ');
  return { header, bytes: envelope.header };
}

function decodeHeader(bytes: Uint8Array, type: EnvelopeType): Header {
  const fields = asArray(decodeCbor(bytes), 'header', 10);
  if (asText(fields[0], 'suite') !== SUITE) throw new VollyError('unknown_suite', 'header');
  if (asText(fields[1], 'type') !== type) throw new VollyError('wrong_type', 'envelope and header differ');
  const from = decodeParty(fields[4], 'from');
  if (isTarget(from)) throw new VollyError('bad_encoding', 'from');
  return {
    type,
    direction: asUint(fields[2], 'direction', 1) as Direction,
    callId: callIdFromBytes(asBytes(fields[3], 'call_id', CALL_ID_BYTES)),
    from,
    to: decodeParty(fields[5], 'to'),
    epoch: asUint(fields[6], 'epoch'),
    seq: asUint(fields[7], 'seq'),
    sentTs: asUint(fields[8], 'sent_ts'),
    lifetime: asUint(fields[9], 'lifetime'),
  };
}

/**
 * Step 4 of section 12. `maxLifetime` in milliseconds. Throws `bad_encoding` for a lifetime past it, `clock_skew` for a time in
 * the future, `expired`.
 */
export function checkTime(header: Pick<Header, 'sentTs' | 'lifetime'>, now: number, maxLifetime: number): void {
  if (header.lifetime > maxLifetime) throw new VollyError('bad_encoding', 'lifetime');
  if (header.sentTs > now + LIMITS.futureMs) throw new VollyError('clock_skew', 'sent in the future');
  // What is past its lifetime is also older than the larger of 60 s and its lifetime: one comparison does both.
  if (now > header.sentTs + header.lifetime) throw new VollyError('expired', 'message');
}
