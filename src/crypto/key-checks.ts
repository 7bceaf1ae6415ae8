/**
 * Which public keys are refused before a provider sees them (R8). The providers would notice at different steps, with
 * different errors, or not at all: node:crypto imports points of low order and lets Ed25519 keys of small order verify.
 * All inputs here are public, so nothing needs to be constant time.
 */
import { VollyError } from '../errors.ts';
import { SIZES } from './primitives.ts';

const littleEndian = (hex: string): bigint => BigInt(`0x${hex.match(/../g)?.reverse().join('') ?? ''}`);
const P = 2n ** 255n - 19n;

/**
 * The u coordinates of order 1, 2, 4 and 8 on Curve25519 and its twist, with the unreduced spellings of 0 and 1 that
 * RFC 7748 section 5 makes receivers accept (2^255 - 19 + 2 and above are not of low order).
 */
const LOW_ORDER_U: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  littleEndian('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  littleEndian('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
  P - 1n,
  P,
  P + 1n,
]);

/** The y coordinates of the eight points of small order on edwards25519; each but ±1 belongs to two points, x and -x. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  littleEndian('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  littleEndian('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
]);

/** The coordinate of a 32-byte point. The top bit is not part of it: unused in X25519, the sign of x in Ed25519. */
function coordinate(point: Uint8Array): bigint {
  let value = BigInt((point[31] as number) & 0x7f);
  for (let at = 30; at >= 0; at--) value = (value << 8n) | BigInt(point[at] as number);
  return value;
}

export const isX25519PublicKey = (key: Uint8Array): boolean =>
  key.length === SIZES.x25519.publicKey && !LOW_ORDER_U.has(coordinate(key));

/**
 * Canonical (RFC 8032 section 5.1.3) and not of small order. Whether a y lies on the curve at all costs a square root and
 * is left to `verify`: under a key that is no point nothing verifies.
 */
export function isEd25519PublicKey(key: Uint8Array): boolean {
  if (key.length !== SIZES.ed25519.publicKey) return false;
  const y = coordinate(key);
  return y < P && !SMALL_ORDER_Y.has(y);
}

const Q = 3329;
/** 768 coefficients of 12 bits; the 32 bytes after them are rho. */
const COEFFICIENT_BYTES = 1152;

/** The type check and the modulus check of FIPS 203 section 7.2. */
export function isMlKem768PublicKey(key: Uint8Array): boolean {
  if (key.length !== SIZES.mlkem768.publicKey) return false;
  for (let at = 0; at < COEFFICIENT_BYTES; at += 3) {
    const middle = key[at + 1] as number;
    const even = (key[at] as number) | ((middle & 15) << 8);
    const odd = (middle >> 4) | ((key[at + 2] as number) << 4);
    if (even >= Q || odd >= Q) return false;
  }
  return true;
}

export function requireKey(sound: boolean, what: string): void {
  if (!sound) throw new VollyError('bad_key', what);
}
