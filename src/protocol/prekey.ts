/** The signed prekey statement: the X-Wing key that offers to a device are sealed to. PROTOCOL.md section 5.3. */
import type { Bytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { compositeSign } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { checkXwingPublicKey, XWING, xwingPublicKey } from '../crypto/xwing.ts';
import { type DeviceId, type MemberId, parseDeviceId, parseMemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asText, asUint, decodeCbor, encodeCbor } from './cbor.ts';
import type { LocalPrekey } from './device.ts';
import type { Signed } from './list.ts';
import { CONTEXT, HASH_BYTES, SUITE } from './suite.ts';

export interface Prekey {
  readonly member: MemberId;
  readonly device: DeviceId;
  readonly uikHash: Bytes;
  readonly spkId: number;
  /** 1,216 bytes. */
  readonly spk: Bytes;
  /** What the device understands. Whether ours is among them is the reader's to check: it must be. */
  readonly suites: readonly string[];
  /** Rises with each new key of the device. */
  readonly epoch: number;
  /** Unix time in milliseconds. */
  readonly notAfter: number;
}

export const encodePrekey = (prekey: Prekey): Bytes =>
  encodeCbor([
    prekey.member,
    prekey.device,
    prekey.uikHash,
    prekey.spkId,
    prekey.spk,
    prekey.suites,
    prekey.epoch,
    prekey.notAfter,
  ]);

/** Shape and key only. Throws `bad_encoding`, `bad_address`, `bad_key`. */
export function decodePrekey(bytes: Uint8Array): Prekey {
  const fields = asArray(decodeCbor(bytes), 'prekey', 8);
  const prekey: Prekey = {
    member: parseMemberId(asText(fields[0], 'member')),
    device: parseDeviceId(asText(fields[1], 'device')),
    uikHash: asBytes(fields[2], 'uik_hash', HASH_BYTES),
    spkId: asUint(fields[3], 'spk_id'),
    spk: asBytes(fields[4], 'spk', XWING.publicKey),
    suites: asArray(fields[5], 'suites', 1, LIMITS.suitesPerPrekey).map((suite) => asText(suite, 'suite')),
    epoch: asUint(fields[6], 'epoch'),
    notAfter: asUint(fields[7], 'not_after'),
  };
  checkXwingPublicKey(prekey.spk);
  return prekey;
}

/** A fresh prekey and its signed statement. The seed is secret and is erased 24 h after the successor was published. */
export function makePrekey(
  provider: Provider,
  random: RandomBytes,
  options: {
    readonly member: MemberId;
    readonly device: DeviceId;
    readonly uikHash: Bytes;
    /** 64 bytes. */
    readonly dikSeed: Uint8Array;
    /** Above every earlier one of this device. */
    readonly epoch: number;
    readonly now: number;
  },
): { readonly prekey: LocalPrekey; readonly statement: Signed } {
  const seed = random(XWING.seed);
  const notAfter = options.now + LIMITS.prekeyLifeMs;
  const { member, device, uikHash, epoch } = options;
  const spk = xwingPublicKey(provider, seed);
  const bytes = encodePrekey({ member, device, uikHash, spkId: epoch, spk, suites: [SUITE], epoch, notAfter });
  const signature = compositeSign(provider, options.dikSeed, bytes, CONTEXT.prekey);
  return { prekey: { hash: sha256(bytes), seed, notAfter }, statement: { bytes, signature } };
}
