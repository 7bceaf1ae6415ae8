/**
 * The five primitives under volly-pq-1, and the one interface both implementations of them have: `noble.ts` (pure
 * TypeScript, everywhere) and `native.ts` (node:crypto). Everything above speaks to a `Provider` and cannot tell which.
 *
 * Keys are raw bytes. A private key is always its seed, never an expanded form: that is what keeps the binding properties
 * of X-Wing and of composite signatures. What comes from a stranger (public keys, ciphertexts, signatures) fails with a
 * `VollyError` or `false`; an argument only our own code can get wrong (a seed or nonce of another length) is a bug and
 * throws `TypeError`.
 */
import type { Bytes } from '../bytes.ts';

/** ML-KEM-768, FIPS 203. */
export interface MlKem768 {
  /** 64-byte seed d ‖ z to the 1,184-byte encapsulation key. */
  publicKey(seed: Uint8Array): Bytes;
  /**
   * 1,184-byte key to a 32-byte secret and a 1,088-byte ciphertext. `bad_key` where the key fails the checks of section
   * 7.2. `randomness` (m, 32 bytes) is for reproducible vectors: the native provider takes none and throws `TypeError`.
   */
  encapsulate(publicKey: Uint8Array, randomness?: Uint8Array): { sharedSecret: Bytes; ciphertext: Bytes };
  /** `bad_key` for a ciphertext of another length; one that merely does not match gives an unrelated secret (section 6.3). */
  decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Bytes;
}

/** X25519, RFC 7748. */
export interface X25519 {
  publicKey(privateKey: Uint8Array): Bytes;
  /**
   * The 32-byte secret with a peer, and the own public key, which X-Wing hashes beside it: importing a key is dear
   * enough in node:crypto to do it once. `bad_key` for a point of low order, whose product is all zeros (section 6.1),
   * and for another length.
   */
  exchange(privateKey: Uint8Array, peer: Uint8Array): { publicKey: Bytes; sharedSecret: Bytes };
}

/** ML-DSA-65, FIPS 204, the pure variant. A context has at most 255 bytes. */
export interface MlDsa65 {
  /** 32-byte seed to the 1,952-byte public key. */
  publicKey(seed: Uint8Array): Bytes;
  /**
   * A function that signs: 3,309 bytes. It keeps the expanded key, whose making costs a quarter of a signature, for as
   * long as it is referenced. Hedged; `randomness` (rnd, 32 bytes, zeros for the deterministic variant) is for reproducible
   * vectors: the native provider takes none and throws `TypeError`.
   */
  signer(seed: Uint8Array): (message: Uint8Array, context: Uint8Array, randomness?: Uint8Array) => Bytes;
  /** Never throws on input of another length: that does not verify. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context: Uint8Array): boolean;
}

/**
 * Ed25519, RFC 8032, cofactorless: S < L, R compared as bytes, keys of small order and non-canonical keys refused. The
 * cofactored equation of noble's own `verify` accepts signatures under mixed-order keys that node:crypto refuses, and two
 * devices of one member must never disagree about a signature.
 */
export interface Ed25519 {
  publicKey(seed: Uint8Array): Bytes;
  /** A function that signs: 64 bytes, deterministic. It keeps the key for as long as it is referenced. */
  signer(seed: Uint8Array): (message: Uint8Array) => Bytes;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** ChaCha20-Poly1305, RFC 8439: 32-byte key, 12-byte nonce, the 16-byte tag at the end of the ciphertext. */
export interface ChaCha20Poly1305 {
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes;
  /** Undefined where the tag does not match. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes | undefined;
}

export interface Provider {
  readonly name: 'native' | 'noble';
  readonly mlkem768: MlKem768;
  readonly x25519: X25519;
  readonly mldsa65: MlDsa65;
  readonly ed25519: Ed25519;
  readonly chacha20poly1305: ChaCha20Poly1305;
  /** FIPS 180-4. Here because a composite signature hashes a whole envelope, and pure TypeScript takes 7 times as long. */
  sha512(message: Uint8Array): Bytes;
}

/** Lengths in bytes. */
export const SIZES = {
  mlkem768: { seed: 64, publicKey: 1184, ciphertext: 1088, sharedSecret: 32, randomness: 32 },
  x25519: { privateKey: 32, publicKey: 32, sharedSecret: 32 },
  mldsa65: { seed: 32, publicKey: 1952, signature: 3309, maxContext: 255 },
  ed25519: { seed: 32, publicKey: 32, signature: 64 },
  chacha20poly1305: { key: 32, nonce: 12, tag: 16 },
} as const;

/** For arguments of our own code only; see the head of this file. Both providers assert, so that both throw the same. */
export function assertLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new TypeError(`${what} must be ${length} bytes, not ${bytes.length}`);
}

export function assertAead(key: Uint8Array, nonce: Uint8Array): void {
  assertLength(key, SIZES.chacha20poly1305.key, 'an AEAD key');
  assertLength(nonce, SIZES.chacha20poly1305.nonce, 'an AEAD nonce');
}

export function assertContext(context: Uint8Array): void {
  if (context.length > SIZES.mldsa65.maxContext) throw new TypeError('an ML-DSA context has at most 255 bytes');
}
