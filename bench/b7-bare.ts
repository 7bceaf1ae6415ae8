/**
 * The primitives called bare, straight on node:crypto and on noble: what B7 measures ours against. A key exchange is one ML-KEM and one
 * X25519 on either side; a signature one ML-DSA and one Ed25519. No key schedule, no X-Wing combiner, no encoding, no checks, no prehash.
 *
 * Each side holds keys as a call does: its own signing keys are ready to use, seeds of KEM keys come from the store as bytes, and a peer's
 * keys come off the wire as bytes.
 */
import * as node from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** Arguments are sizes in bytes. Everything is done by both sides, on the same fixed keys. */
export interface Bare {
  /** A fresh KEM key pair. */
  makeKey(): void;
  exchange(): void;
  /** Seals and opens. */
  aead(size: number): void;
  sign(size: number): readonly [Uint8Array, Uint8Array];
  verify(size: number, signatures: readonly [Uint8Array, Uint8Array]): void;
}

type Kind = 'ml-kem-768' | 'ml-dsa-65' | 'x25519' | 'ed25519';
const random = (length: number): Uint8Array => new Uint8Array(node.randomBytes(length));

const readPrivate = (asymmetricKeyType: Kind, key: Uint8Array) =>
  node.createPrivateKey({
    key: Buffer.from(key),
    format: asymmetricKeyType.startsWith('ml-') ? 'raw-seed' : 'raw-private',
    asymmetricKeyType,
  } as node.RawPrivateKeyInput);
const readPublic = (asymmetricKeyType: Kind, key: Buffer) =>
  node.createPublicKey({ key, format: 'raw-public', asymmetricKeyType });
const rawPublic = (key: node.KeyObject): Buffer => node.createPublicKey(key).export({ format: 'raw-public' });

export function bareNative(): Bare {
  const [kemSeed, xSeed, key, nonce] = [random(64), random(32), random(32), new Uint8Array(12)];
  const [dsa, ed] = [readPrivate('ml-dsa-65', random(32)), readPrivate('ed25519', random(32))];
  const [kemPublic, xPublic] = [rawPublic(readPrivate('ml-kem-768', kemSeed)), rawPublic(readPrivate('x25519', xSeed))];
  const [dsaPublic, edPublic] = [rawPublic(dsa), rawPublic(ed)];
  return {
    makeKey() {
      rawPublic(readPrivate('ml-kem-768', random(64)));
      rawPublic(readPrivate('x25519', random(32)));
    },
    exchange() {
      const { ciphertext } = node.encapsulate(readPublic('ml-kem-768', kemPublic));
      const ephemeral = readPrivate('x25519', random(32));
      const point = rawPublic(ephemeral);
      node.diffieHellman({ privateKey: ephemeral, publicKey: readPublic('x25519', xPublic) });

      node.decapsulate(readPrivate('ml-kem-768', kemSeed), ciphertext);
      node.diffieHellman({ privateKey: readPrivate('x25519', xSeed), publicKey: readPublic('x25519', point) });
    },
    aead(size) {
      const cipher = node.createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      const sealed = [cipher.update(new Uint8Array(size)), cipher.final()];
      const decipher = node.createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      decipher.setAuthTag(cipher.getAuthTag());
      for (const part of sealed) decipher.update(part);
      decipher.final();
    },
    sign(size) {
      const message = new Uint8Array(size);
      return [node.sign(null, message, dsa), node.sign(null, message, ed)];
    },
    verify(size, [ofDsa, ofEd]) {
      const message = new Uint8Array(size);
      node.verify(null, message, readPublic('ed25519', edPublic), ofEd);
      node.verify(null, message, readPublic('ml-dsa-65', dsaPublic), ofDsa);
    },
  };
}

export function bareNoble(): Bare {
  const [kemSeed, xSeed, edSeed, key, nonce] = [random(64), random(32), random(32), random(32), new Uint8Array(12)];
  const dsa = ml_dsa65.keygen(random(32));
  const kemPublic = ml_kem768.keygen(kemSeed).publicKey;
  const [xPublic, edPublic] = [x25519.getPublicKey(xSeed), ed25519.getPublicKey(edSeed)];
  return {
    makeKey() {
      ml_kem768.keygen(random(64));
      x25519.getPublicKey(random(32));
    },
    exchange() {
      const { cipherText } = ml_kem768.encapsulate(kemPublic);
      const ephemeral = random(32);
      const point = x25519.getPublicKey(ephemeral);
      x25519.getSharedSecret(ephemeral, xPublic);

      ml_kem768.decapsulate(cipherText, ml_kem768.keygen(kemSeed).secretKey);
      x25519.getSharedSecret(xSeed, point);
    },
    aead(size) {
      const sealed = chacha20poly1305(key, nonce).encrypt(new Uint8Array(size));
      chacha20poly1305(key, nonce).decrypt(sealed);
    },
    sign(size) {
      const message = new Uint8Array(size);
      return [ml_dsa65.sign(message, dsa.secretKey), ed25519.sign(message, edSeed)];
    },
    verify(size, [ofDsa, ofEd]) {
      const message = new Uint8Array(size);
      ed25519.verify(ofEd, message, edPublic);
      ml_dsa65.verify(ofDsa, message, dsa.publicKey);
    },
  };
}
