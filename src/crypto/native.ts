/**
 * The provider over node:crypto (OpenSSL 3.5): constant time, and about ten times as fast. Right from Node 24.15: 24.7
 * ignores the ML-DSA context, and raw key formats are missing before 24.15. `select.ts` tests it before it is used.
 *
 * The module is asked for at run time, so bundlers and browsers see no import.
 */
import type * as NodeCrypto from 'node:crypto';
import type { Bytes } from '../bytes.ts';
import { isEd25519PublicKey, isMlKem768PublicKey, isX25519PublicKey, requireKey } from './key-checks.ts';
import { assertAead, assertContext, assertLength, type Provider, SIZES } from './primitives.ts';

type Algorithm = 'ml-kem-768' | 'ml-dsa-65' | 'ed25519' | 'x25519';

/** A Buffer as plain bytes of their own; the Buffer may hold a secret, or be a window on Node's shared pool. */
function take(buffer: Uint8Array): Bytes {
  const bytes = new Uint8Array(buffer);
  buffer.fill(0);
  return bytes;
}

const refuseRandomness = (randomness: Uint8Array | undefined): void => {
  if (randomness !== undefined) throw new TypeError('the native provider takes no randomness');
};

function build(node: typeof NodeCrypto): Provider {
  const SEEDS = { 'ml-kem-768': 64, 'ml-dsa-65': 32, ed25519: 32, x25519: 32 } as const;

  function privateKey(algorithm: Algorithm, key: Uint8Array): NodeCrypto.KeyObject {
    assertLength(key, SEEDS[algorithm], `${algorithm} private key`);
    const format = algorithm.startsWith('ml-') ? 'raw-seed' : 'raw-private';
    return node.createPrivateKey({ key, format, asymmetricKeyType: algorithm } as NodeCrypto.RawPrivateKeyInput);
  }

  const publicKey = (algorithm: Algorithm, key: Uint8Array): NodeCrypto.KeyObject =>
    node.createPublicKey({ key, format: 'raw-public', asymmetricKeyType: algorithm } as NodeCrypto.RawPublicKeyInput);

  const publicBytes = (key: NodeCrypto.KeyObject): Bytes =>
    new Uint8Array(node.createPublicKey(key).export({ format: 'raw-public' }));
  const publicOf = (algorithm: Algorithm, seed: Uint8Array): Bytes => publicBytes(privateKey(algorithm, seed));

  return {
    name: 'native',
    mlkem768: {
      publicKey: (seed) => publicOf('ml-kem-768', seed),
      encapsulate(key, randomness) {
        refuseRandomness(randomness);
        requireKey(isMlKem768PublicKey(key), 'ML-KEM-768 encapsulation key');
        const { sharedKey, ciphertext } = node.encapsulate(publicKey('ml-kem-768', key));
        return { sharedSecret: take(sharedKey), ciphertext: take(ciphertext) };
      },
      decapsulate(seed, ciphertext) {
        requireKey(ciphertext.length === SIZES.mlkem768.ciphertext, 'ML-KEM-768 ciphertext');
        return take(node.decapsulate(privateKey('ml-kem-768', seed), ciphertext));
      },
    },
    x25519: {
      publicKey: (key) => publicOf('x25519', key),
      exchange(key, peer) {
        requireKey(isX25519PublicKey(peer), 'X25519 public key');
        const own = privateKey('x25519', key);
        const sharedSecret = take(node.diffieHellman({ privateKey: own, publicKey: publicKey('x25519', peer) }));
        return { publicKey: publicBytes(own), sharedSecret };
      },
    },
    mldsa65: {
      publicKey: (seed) => publicOf('ml-dsa-65', seed),
      signer(seed) {
        const key = privateKey('ml-dsa-65', seed);
        return (message, context, randomness) => {
          refuseRandomness(randomness);
          assertContext(context);
          return take(node.sign(null, message, { key, context }));
        };
      },
      verify: (key, message, signature, context) =>
        key.length === SIZES.mldsa65.publicKey &&
        signature.length === SIZES.mldsa65.signature &&
        context.length <= SIZES.mldsa65.maxContext &&
        node.verify(null, message, { key: publicKey('ml-dsa-65', key), context }, signature),
    },
    ed25519: {
      publicKey: (seed) => publicOf('ed25519', seed),
      signer(seed) {
        const key = privateKey('ed25519', seed);
        // Never a `context` here: Node would sign Ed25519ctx without a word.
        return (message) => take(node.sign(null, message, key));
      },
      verify: (key, message, signature) =>
        isEd25519PublicKey(key) && node.verify(null, message, publicKey('ed25519', key), signature),
    },
    chacha20poly1305: {
      seal(key, nonce, aad, plaintext) {
        assertAead(key, nonce);
        const cipher = node.createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: SIZES.chacha20poly1305.tag });
        cipher.setAAD(aad, { plaintextLength: plaintext.length });
        const out = new Uint8Array(plaintext.length + SIZES.chacha20poly1305.tag);
        out.set(cipher.update(plaintext));
        cipher.final(); // a stream cipher holds nothing back, but the tag is there only now
        out.set(cipher.getAuthTag(), plaintext.length);
        return out;
      },
      open(key, nonce, aad, ciphertext) {
        assertAead(key, nonce);
        const { tag } = SIZES.chacha20poly1305;
        const decipher = node.createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tag });
        const length = ciphertext.length - tag;
        if (length < 0) return undefined;
        decipher.setAAD(aad, { plaintextLength: length });
        decipher.setAuthTag(ciphertext.subarray(length));
        const plaintext = take(decipher.update(ciphertext.subarray(0, length)));
        try {
          decipher.final();
          return plaintext;
        } catch {
          plaintext.fill(0); // unauthenticated
          return undefined;
        }
      },
    },
    sha512: (message) => new Uint8Array(node.createHash('sha512').update(message).digest()),
  };
}

/** Undefined where any piece is missing: in a browser, in Node before 24.15, with an OpenSSL built without ML-KEM. */
function detect(): Provider | undefined {
  try {
    const node = globalThis.process?.getBuiltinModule?.('node:crypto');
    if (typeof node?.encapsulate !== 'function' || typeof node.decapsulate !== 'function') return undefined;
    const provider = build(node);
    for (const part of [provider.mldsa65, provider.ed25519, provider.x25519]) part.publicKey(new Uint8Array(32));
    provider.mlkem768.publicKey(new Uint8Array(64));
    provider.chacha20poly1305.seal(new Uint8Array(32), new Uint8Array(12), new Uint8Array(), new Uint8Array());
    return provider;
  } catch {
    return undefined;
  }
}

export const native: Provider | undefined = detect();
