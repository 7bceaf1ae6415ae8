/**
 * The primitives of a call called bare, straight on node:crypto and on noble: what B7 measures src/crypto against. Each
 * of the two messages takes one ML-KEM and one X25519 on either side, one AEAD on either side, one ML-DSA and one Ed25519
 * signature made and verified. No key schedule, no X-Wing combiner, no encoding, no checks, no prehash.
 *
 * Each side holds keys as a call does: its own signing keys are ready to use, seeds of KEM keys come from the store as
 * bytes, and a peer's keys come off the wire as bytes.
 */
import * as node from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** One message: seal, sign, verify, open. `size` bytes of plaintext; the signature is over `signed` bytes. */
export type BareMessage = (size: number, signed: number) => void;

const random = (length: number): Uint8Array => new Uint8Array(node.randomBytes(length));

const readPrivate = (asymmetricKeyType: 'ml-kem-768' | 'ml-dsa-65' | 'x25519' | 'ed25519', key: Uint8Array) =>
  node.createPrivateKey({
    key: Buffer.from(key),
    format: asymmetricKeyType.startsWith('ml-') ? 'raw-seed' : 'raw-private',
    asymmetricKeyType,
  } as node.RawPrivateKeyInput);

const readPublic = (asymmetricKeyType: 'ml-kem-768' | 'ml-dsa-65' | 'x25519' | 'ed25519', key: Buffer) =>
  node.createPublicKey({ key, format: 'raw-public', asymmetricKeyType });

const rawPublic = (key: node.KeyObject): Buffer => node.createPublicKey(key).export({ format: 'raw-public' });

export function bareNative(): BareMessage {
  const [kemSeed, xSeed] = [random(64), random(32)];
  const [dsa, ed] = [readPrivate('ml-dsa-65', random(32)), readPrivate('ed25519', random(32))];
  const [kemPublic, xPublic] = [rawPublic(readPrivate('ml-kem-768', kemSeed)), rawPublic(readPrivate('x25519', xSeed))];
  const [dsaPublic, edPublic] = [rawPublic(dsa), rawPublic(ed)];
  const nonce = new Uint8Array(12);
  return (size, signed) => {
    const [plaintext, message] = [new Uint8Array(size), new Uint8Array(signed)];

    const { sharedKey, ciphertext } = node.encapsulate(readPublic('ml-kem-768', kemPublic));
    const ephemeral = readPrivate('x25519', random(32));
    const point = rawPublic(ephemeral);
    node.diffieHellman({ privateKey: ephemeral, publicKey: readPublic('x25519', xPublic) });
    const cipher = node.createCipheriv('chacha20-poly1305', sharedKey, nonce, { authTagLength: 16 });
    const sealed = [cipher.update(plaintext), cipher.final()];
    const tag = cipher.getAuthTag();
    const signatures = [node.sign(null, message, dsa), node.sign(null, message, ed)] as const;

    node.verify(null, message, readPublic('ed25519', edPublic), signatures[1]);
    node.verify(null, message, readPublic('ml-dsa-65', dsaPublic), signatures[0]);
    const key = node.decapsulate(readPrivate('ml-kem-768', kemSeed), ciphertext);
    const own = readPrivate('x25519', xSeed);
    node.diffieHellman({ privateKey: own, publicKey: readPublic('x25519', point) });
    const decipher = node.createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(tag);
    for (const part of sealed) decipher.update(part);
    decipher.final();
  };
}

export function bareNoble(): BareMessage {
  const [kemSeed, xSeed, edSeed] = [random(64), random(32), random(32)];
  const dsa = ml_dsa65.keygen(random(32));
  const [kemPublic, xPublic, edPublic] = [
    ml_kem768.keygen(kemSeed).publicKey,
    x25519.getPublicKey(xSeed),
    ed25519.getPublicKey(edSeed),
  ];
  const nonce = new Uint8Array(12);
  return (size, signed) => {
    const [plaintext, message] = [new Uint8Array(size), new Uint8Array(signed)];

    const { sharedSecret, cipherText } = ml_kem768.encapsulate(kemPublic);
    const ephemeral = random(32);
    const point = x25519.getPublicKey(ephemeral);
    x25519.getSharedSecret(ephemeral, xPublic);
    const sealed = chacha20poly1305(sharedSecret, nonce).encrypt(plaintext);
    const signatures = [ml_dsa65.sign(message, dsa.secretKey), ed25519.sign(message, edSeed)] as const;

    ed25519.verify(signatures[1], message, edPublic);
    ml_dsa65.verify(signatures[0], message, dsa.publicKey);
    const key = ml_kem768.decapsulate(cipherText, ml_kem768.keygen(kemSeed).secretKey);
    x25519.getSharedSecret(xSeed, point);
    chacha20poly1305(key, nonce).decrypt(sealed);
  };
}
