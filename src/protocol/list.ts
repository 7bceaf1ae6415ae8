/** The device list: which devices a member has, signed by the member's identity key. PROTOCOL.md section 5.2. */
import type { Bytes } from '../bytes.ts';
import { COMPOSITE, checkCompositePublicKey, compositeSign } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type DeviceId, type MemberId, parseDeviceId, parseMemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asText, asUint, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';
import { CONTEXT, HASH_BYTES } from './suite.ts';

export interface DeviceEntry {
  readonly device: DeviceId;
  /** H(DIK), 32 bytes. */
  readonly dikHash: Bytes;
  /** Unix time in milliseconds. */
  readonly notAfter: number;
}

export interface DeviceList {
  readonly member: MemberId;
  /** The user identity key, 1,984 bytes; it signs this list. */
  readonly uik: Bytes;
  readonly version: number;
  /** H(the list before), or empty in the first. */
  readonly prevHash: Bytes;
  /** Unix times in milliseconds; at most 30 days apart. */
  readonly issuedAt: number;
  readonly expires: number;
  /** 1 to 16, sorted by device. */
  readonly entries: readonly DeviceEntry[];
}

/** Signed bytes as they travel. `signature` has 3,373 bytes and is never hashed. */
export interface Signed {
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

export const encodeList = (list: DeviceList): Bytes =>
  encodeCbor([
    list.member,
    list.uik,
    list.version,
    list.prevHash,
    list.issuedAt,
    list.expires,
    list.entries.map(({ device, dikHash, notAfter }) => [device, dikHash, notAfter]),
  ]);

/** Shape and key only: the signature is `checkSignedList`'s of check.ts. Throws `bad_encoding`, `bad_address`, `bad_key`. */
export function decodeList(bytes: Uint8Array): DeviceList {
  const fields = asArray(decodeCbor(bytes), 'device list', 7);
  const list: DeviceList = {
    member: parseMemberId(asText(fields[0], 'member')),
    uik: asBytes(fields[1], 'uik', COMPOSITE.publicKey),
    version: asUint(fields[2], 'version'),
    prevHash: asBytes(fields[3], 'prev_hash', 0, HASH_BYTES),
    issuedAt: asUint(fields[4], 'issued_at'),
    expires: asUint(fields[5], 'expires'),
    entries: asArray(fields[6], 'entries', 1, LIMITS.devicesPerMember).map(decodeEntry),
  };
  const unsorted = list.entries.some(({ device }, i) => i > 0 && device <= (list.entries[i - 1] as DeviceEntry).device);
  if (unsorted) throw new VollyError('bad_encoding', 'entries are not sorted');
  // A list that lived longer would let a hostile bridge show a revoked device to newcomers.
  if (list.expires > list.issuedAt + LIMITS.deviceListLifeMs) throw new VollyError('bad_encoding', 'expires');
  checkCompositePublicKey(list.uik);
  return list;
}

function decodeEntry(value: Cbor): DeviceEntry {
  const fields = asArray(value, 'entry', 3);
  return {
    device: parseDeviceId(asText(fields[0], 'device')),
    dikHash: asBytes(fields[1], 'dik_hash', HASH_BYTES),
    notAfter: asUint(fields[2], 'not_after'),
  };
}

/**
 * A new list, sorted and signed. `uikSeed` has 64 bytes. `previous` are the bytes of the list before; its version is always
 * exceeded, also by a clock that went back.
 */
export function makeList(
  provider: Provider,
  options: {
    readonly member: MemberId;
    readonly uik: Bytes;
    readonly uikSeed: Uint8Array;
    readonly entries: readonly DeviceEntry[];
    readonly now: number;
    readonly previous?: Uint8Array;
  },
): Signed {
  const { member, uik, now, previous } = options;
  const bytes = encodeList({
    member,
    uik,
    version: Math.max(previous ? decodeList(previous).version + 1 : 0, now),
    prevHash: previous ? sha256(previous) : new Uint8Array(),
    issuedAt: now,
    expires: now + LIMITS.deviceListLifeMs,
    entries: options.entries.toSorted((a, b) => (a.device < b.device ? -1 : 1)),
  });
  return { bytes, signature: compositeSign(provider, options.uikSeed, bytes, CONTEXT.devlist) };
}
