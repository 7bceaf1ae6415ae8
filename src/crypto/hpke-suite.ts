/**
 * The `hpke` package does HPKE's key schedule; KEM, KDF and AEAD are plugged in here. Its own go through WebCrypto, which
 * costs twice as much as node:crypto and has no ChaCha20-Poly1305 in Firefox.
 */
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type AEAD, CipherSuite, type KDF, type KEM, type Key } from 'hpke';
import type { Bytes } from '../bytes.ts';
import { type Provider, SIZES } from './primitives.ts';
import { XWING, xwingDecapsulate, xwingEncapsulate } from './xwing.ts';

/** A key as the package passes it through to our KEM. */
interface XwingKey extends Key {
  readonly raw: Uint8Array;
  readonly eseed?: Uint8Array | undefined;
}

const algorithm = { name: 'X-Wing' };

export const xwingPublic = (raw: Uint8Array, eseed?: Uint8Array): XwingKey => ({
  algorithm,
  extractable: false,
  type: 'public',
  raw,
  eseed,
});

export const xwingPrivate = (raw: Uint8Array): XwingKey => ({ algorithm, extractable: false, type: 'private', raw });

/** Generation, derivation and serialisation of keys stay out: keys here are made and kept as raw bytes. */
const unused = (): never => {
  throw new TypeError('not part of this suite');
};

const kem = (provider: Provider): KEM<XwingKey> => ({
  id: 0x647a,
  type: 'KEM',
  name: 'X-Wing',
  Nsecret: XWING.sharedSecret,
  Nenc: XWING.ciphertext,
  Npk: XWING.publicKey,
  Nsk: XWING.seed,
  DeriveKeyPair: unused,
  GenerateKeyPair: unused,
  SerializePublicKey: unused,
  DeserializePublicKey: unused,
  SerializePrivateKey: unused,
  DeserializePrivateKey: unused,
  async Encap(key) {
    const { sharedSecret, ciphertext } = xwingEncapsulate(provider, key.raw, key.eseed);
    return { shared_secret: sharedSecret, enc: ciphertext };
  },
  Decap: async (enc, key) => xwingDecapsulate(provider, key.raw, enc),
});

const kdf: KDF = {
  id: 0x0001,
  type: 'KDF',
  name: 'HKDF-SHA256',
  Nh: 32,
  stages: 2,
  Extract: async (salt, ikm) => extract(sha256, ikm, salt) as Bytes,
  Expand: async (prk, info, length) => expand(sha256, prk, info, length) as Bytes,
  Derive: unused,
};

const aead = ({ chacha20poly1305 }: Provider): AEAD => ({
  id: 0x0003,
  type: 'AEAD',
  name: 'ChaCha20Poly1305',
  Nk: SIZES.chacha20poly1305.key,
  Nn: SIZES.chacha20poly1305.nonce,
  Nt: SIZES.chacha20poly1305.tag,
  Seal: async (key, nonce, aad, plaintext) => chacha20poly1305.seal(key, nonce, aad, plaintext),
  async Open(key, nonce, aad, ciphertext) {
    const plaintext = chacha20poly1305.open(key, nonce, aad, ciphertext);
    if (plaintext === undefined) throw new Error('the tag does not match');
    return plaintext;
  },
});

const suites = new WeakMap<Provider, CipherSuite<XwingKey>>();

export function suiteOf(provider: Provider): CipherSuite<XwingKey> {
  let suite = suites.get(provider);
  if (suite === undefined) {
    suite = new CipherSuite(
      () => kem(provider),
      () => kdf,
      () => aead(provider),
    );
    suites.set(provider, suite);
  }
  return suite;
}
