/**
 * The provider in pure TypeScript, over the noble packages. It runs everywhere, is self-audited and not constant time:
 * `select.ts` prefers the native one. Each section preconditions on lengths, because noble throws plain errors.
 */
import { chacha20poly1305 as chacha } from '@noble/ciphers/chacha.js';
import { ed25519 as ed, x25519 as x } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { type Bytes, concat, equal } from '../bytes.ts';
import { isEd25519PublicKey, isMlKem768PublicKey, isX25519PublicKey, requireKey } from './key-checks.ts';
import {
  assertLength,
  type ChaCha20Poly1305,
  type Ed25519,
  type MlDsa65,
  type MlKem768,
  type Provider,
  SIZES,
  type X25519,
} from './primitives.ts';

const mlkem768: MlKem768 = {
  publicKey: (seed) => ml_kem768.keygen(seed).publicKey as Bytes,
  encapsulate(publicKey, randomness) {
    requireKey(isMlKem768PublicKey(publicKey), 'ML-KEM-768 encapsulation key');
    const { sharedSecret, cipherText } = ml_kem768.encapsulate(publicKey, randomness);
    return { sharedSecret: sharedSecret as Bytes, ciphertext: cipherText as Bytes };
  },
  decapsulate(seed, ciphertext) {
    requireKey(ciphertext.length === SIZES.mlkem768.ciphertext, 'ML-KEM-768 ciphertext');
    const { secretKey } = ml_kem768.keygen(seed);
    const secret = ml_kem768.decapsulate(ciphertext, secretKey) as Bytes;
    secretKey.fill(0);
    return secret;
  },
};

const x25519: X25519 = {
  publicKey: (privateKey) => x.getPublicKey(privateKey) as Bytes,
  sharedSecret(privateKey, publicKey) {
    requireKey(isX25519PublicKey(publicKey), 'X25519 public key');
    return x.getSharedSecret(privateKey, publicKey) as Bytes;
  },
};

const mldsa65: MlDsa65 = {
  publicKey: (seed) => ml_dsa65.keygen(seed).publicKey as Bytes,
  sign(seed, message, context, randomness) {
    const { secretKey } = ml_dsa65.keygen(seed);
    const signature = ml_dsa65.sign(
      message,
      secretKey,
      randomness ? { context, extraEntropy: randomness } : { context },
    ) as Bytes;
    secretKey.fill(0);
    return signature;
  },
  verify: (publicKey, message, signature, context) =>
    publicKey.length === SIZES.mldsa65.publicKey &&
    signature.length === SIZES.mldsa65.signature &&
    context.length <= SIZES.mldsa65.maxContext &&
    ml_dsa65.verify(signature, message, publicKey, { context }),
};

const { Point } = ed;

/** The point of a key that passed the checks, or undefined where its y is not on the curve. */
function decodePoint(key: Uint8Array) {
  try {
    return Point.fromBytes(key);
  } catch {
    return undefined;
  }
}

const ed25519: Ed25519 = {
  publicKey: (seed) => ed.getPublicKey(seed) as Bytes,
  sign: (seed, message) => ed.sign(message, seed) as Bytes,
  verify(publicKey, message, signature) {
    if (signature.length !== SIZES.ed25519.signature || !isEd25519PublicKey(publicKey)) return false;
    const R = signature.subarray(0, 32);
    const S = bytesToNumberLE(signature.subarray(32));
    if (S >= Point.Fn.ORDER) return false;
    const A = decodePoint(publicKey);
    if (A === undefined) return false;
    const k = Point.Fn.create(bytesToNumberLE(sha512(concat(R, publicKey, message))));
    // RFC 8032 section 5.1.7 without the cofactor: [S]B - [k]A must encode to R's very bytes. All of it is public.
    return equal(Point.BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(k)).toBytes(), R);
  },
};

const chacha20poly1305: ChaCha20Poly1305 = {
  seal: (key, nonce, aad, plaintext) => chacha(key, nonce, aad).encrypt(plaintext) as Bytes,
  open(key, nonce, aad, ciphertext) {
    assertLength(key, SIZES.chacha20poly1305.key, 'AEAD key');
    assertLength(nonce, SIZES.chacha20poly1305.nonce, 'AEAD nonce');
    try {
      return chacha(key, nonce, aad).decrypt(ciphertext) as Bytes;
    } catch {
      return undefined;
    }
  },
};

export const noble: Provider = {
  name: 'noble',
  mlkem768,
  x25519,
  mldsa65,
  ed25519,
  chacha20poly1305,
  sha512: (message) => sha512(message) as Bytes,
};
