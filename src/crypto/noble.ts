/**
 * The provider in pure TypeScript, over the noble packages. It runs everywhere, is self-audited and not constant time:
 * `select.ts` prefers the native one. Lengths are asserted before each call, because noble throws plain errors.
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
  assertAead,
  assertContext,
  assertLength,
  type ChaCha20Poly1305,
  type Ed25519,
  type MlDsa65,
  type MlKem768,
  type Provider,
  SIZES,
  type X25519,
} from './primitives.ts';

const mlkemKeys = (seed: Uint8Array) => {
  assertLength(seed, SIZES.mlkem768.seed, 'an ML-KEM-768 seed');
  return ml_kem768.keygen(seed);
};

const mlkem768: MlKem768 = {
  publicKey: (seed) => mlkemKeys(seed).publicKey as Bytes,
  encapsulate(publicKey, randomness) {
    requireKey(isMlKem768PublicKey(publicKey), 'ML-KEM-768 encapsulation key');
    const { sharedSecret, cipherText } = ml_kem768.encapsulate(publicKey, randomness);
    return { sharedSecret: sharedSecret as Bytes, ciphertext: cipherText as Bytes };
  },
  decapsulate(seed, ciphertext) {
    requireKey(ciphertext.length === SIZES.mlkem768.ciphertext, 'ML-KEM-768 ciphertext');
    const { secretKey } = mlkemKeys(seed);
    const sharedSecret = ml_kem768.decapsulate(ciphertext, secretKey) as Bytes;
    secretKey.fill(0);
    return sharedSecret;
  },
};

const x25519: X25519 = {
  publicKey(privateKey) {
    assertLength(privateKey, SIZES.x25519.privateKey, 'an X25519 private key');
    return x.getPublicKey(privateKey) as Bytes;
  },
  exchange(privateKey, peer) {
    requireKey(isX25519PublicKey(peer), 'X25519 public key');
    return { publicKey: x25519.publicKey(privateKey), sharedSecret: x.getSharedSecret(privateKey, peer) as Bytes };
  },
};

const mldsaKeys = (seed: Uint8Array) => {
  assertLength(seed, SIZES.mldsa65.seed, 'an ML-DSA-65 seed');
  return ml_dsa65.keygen(seed);
};

const mldsa65: MlDsa65 = {
  publicKey: (seed) => mldsaKeys(seed).publicKey as Bytes,
  signer(seed) {
    const { secretKey } = mldsaKeys(seed);
    return (message, context, randomness) => {
      assertContext(context);
      return ml_dsa65.sign(message, secretKey, randomness ? { context, extraEntropy: randomness } : { context }) as Bytes;
    };
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
  publicKey(seed) {
    assertLength(seed, SIZES.ed25519.seed, 'an Ed25519 seed');
    return ed.getPublicKey(seed) as Bytes;
  },
  signer(seed) {
    assertLength(seed, SIZES.ed25519.seed, 'an Ed25519 seed');
    const key = seed.slice();
    return (message) => ed.sign(message, key) as Bytes;
  },
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
  seal(key, nonce, aad, plaintext) {
    assertAead(key, nonce);
    return chacha(key, nonce, aad).encrypt(plaintext) as Bytes;
  },
  open(key, nonce, aad, ciphertext) {
    assertAead(key, nonce);
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
