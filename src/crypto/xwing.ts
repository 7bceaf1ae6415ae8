/**
 * X-Wing: ML-KEM-768 and X25519 as one KEM (draft-connolly-cfrg-xwing-kem, KEM id 0x647A). Private keys are 32-byte seeds
 * and nothing else: with the expanded ML-KEM key as input, the KEM would lose its binding properties (section 5.2).
 */
import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { type Bytes, concat, utf8 } from '../bytes.ts';
import { systemRandom } from '../clock.ts';
import { isMlKem768PublicKey, isX25519PublicKey, requireKey } from './key-checks.ts';
import { assertLength, type Provider, SIZES } from './primitives.ts';

/** Lengths in bytes. */
export const XWING = { seed: 32, publicKey: 1216, ciphertext: 1120, sharedSecret: 32, eseed: 64 } as const;

const ML_KEM_PK = SIZES.mlkem768.publicKey;
const ML_KEM_CT = SIZES.mlkem768.ciphertext;

/** Section 5.3: `\./` above `/^\`. */
const LABEL = utf8('\\.//^\\');

/** Section 5.2, expandDecapsulationKey without the expansion of ML-KEM, which both providers do from its seed. */
function expand(seed: Uint8Array): { mlkem: Uint8Array; x25519: Uint8Array; erase(): void } {
  assertLength(seed, XWING.seed, 'an X-Wing private key');
  const all = shake256(seed, { dkLen: 96 });
  return { mlkem: all.subarray(0, 64), x25519: all.subarray(64), erase: () => all.fill(0) };
}

/** Section 5.3. ML-KEM's ciphertext and key need not be hashed: ML-KEM binds them itself. */
function combine(mlkemSecret: Uint8Array, xSecret: Uint8Array, xCiphertext: Uint8Array, xPublicKey: Uint8Array): Bytes {
  const input = concat(mlkemSecret, xSecret, xCiphertext, xPublicKey, LABEL);
  const secret = sha3_256(input) as Bytes;
  for (const erased of [input, mlkemSecret, xSecret]) erased.fill(0);
  return secret;
}

/** Throws `bad_key` for another length, a coefficient not below q, or an X25519 part of low order. Call it when a key is parsed. */
export function checkXwingPublicKey(publicKey: Uint8Array): void {
  requireKey(publicKey.length === XWING.publicKey, 'X-Wing public key');
  requireKey(isMlKem768PublicKey(publicKey.subarray(0, ML_KEM_PK)), 'X-Wing public key, ML-KEM-768 part');
  requireKey(isX25519PublicKey(publicKey.subarray(ML_KEM_PK)), 'X-Wing public key, X25519 part');
}

/** 1,216 bytes from a 32-byte seed. */
export function xwingPublicKey(provider: Provider, seed: Uint8Array): Bytes {
  const secret = expand(seed);
  const publicKey = concat(provider.mlkem768.publicKey(secret.mlkem), provider.x25519.publicKey(secret.x25519));
  secret.erase();
  return publicKey;
}

/**
 * Section 5.4. Throws `bad_key` as `checkXwingPublicKey` does. `eseed` (64 bytes, m ‖ ephemeral X25519 key) makes
 * vectors reproducible and is for tests only; the native provider throws `TypeError`.
 */
export function xwingEncapsulate(
  provider: Provider,
  publicKey: Uint8Array,
  eseed?: Uint8Array,
): { sharedSecret: Bytes; ciphertext: Bytes } {
  checkXwingPublicKey(publicKey);
  if (eseed) assertLength(eseed, XWING.eseed, 'an X-Wing eseed');
  const ephemeral = eseed ? eseed.slice(32) : systemRandom(32);
  const xPublicKey = publicKey.subarray(ML_KEM_PK);
  const mlkem = provider.mlkem768.encapsulate(publicKey.subarray(0, ML_KEM_PK), eseed?.subarray(0, 32));
  const x25519 = provider.x25519.exchange(ephemeral, xPublicKey);
  ephemeral.fill(0);
  const sharedSecret = combine(mlkem.sharedSecret, x25519.sharedSecret, x25519.publicKey, xPublicKey);
  return { sharedSecret, ciphertext: concat(mlkem.ciphertext, x25519.publicKey) };
}

/**
 * Section 5.5. Throws `bad_key` for a ciphertext of another length or with an X25519 part of low order; any other
 * ciphertext that was not made for this key gives an unrelated secret.
 */
export function xwingDecapsulate(provider: Provider, seed: Uint8Array, ciphertext: Uint8Array): Bytes {
  requireKey(ciphertext.length === XWING.ciphertext, 'X-Wing ciphertext');
  const xCiphertext = ciphertext.subarray(ML_KEM_CT);
  requireKey(isX25519PublicKey(xCiphertext), 'X-Wing ciphertext, X25519 part');
  const secret = expand(seed);
  const mlkemSecret = provider.mlkem768.decapsulate(secret.mlkem, ciphertext.subarray(0, ML_KEM_CT));
  const x25519 = provider.x25519.exchange(secret.x25519, xCiphertext);
  secret.erase();
  return combine(mlkemSecret, x25519.sharedSecret, xCiphertext, x25519.publicKey);
}
