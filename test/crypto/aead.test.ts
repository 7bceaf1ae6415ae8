import assert from 'node:assert/strict';
import fc from 'fast-check';
import { concat, utf8 } from '../../src/bytes.ts';
import { AEAD_KEY_BYTES, aeadKey, openAt, sealAt } from '../../src/crypto/aead.ts';
import { code, flipped, nativeProvider, nobleProvider, PROVIDERS } from './providers.ts';

const exported = new Uint8Array(AEAD_KEY_BYTES).map((_, i) => 255 - i);
const KEY = aeadKey(exported);
const AAD = utf8('header');
const TEXT = utf8('text');

describe('The AEAD under an exported key', () => {
  it('splits 44 bytes into copies of key and base nonce', () => {
    const copy = exported.slice();
    const { key, baseNonce } = aeadKey(copy);
    copy.fill(0);
    assert.deepEqual(concat(key, baseNonce), exported);
    for (const length of [0, 32, 43, 45]) assert.throws(() => aeadKey(new Uint8Array(length)), TypeError);
  });

  for (const provider of PROVIDERS) {
    it(`XORs the sequence number into the nonce, big endian, up to 2^53 - 1, with ${provider.name}`, () => {
      const nonce = KEY.baseNonce.slice();
      for (const [seq, tail] of [
        [0, [0, 0, 0, 0, 0, 0, 0, 0]],
        [1, [0, 0, 0, 0, 0, 0, 0, 1]],
        [256, [0, 0, 0, 0, 0, 0, 1, 0]],
        [2 ** 32, [0, 0, 0, 1, 0, 0, 0, 0]],
        [Number.MAX_SAFE_INTEGER, [0, 31, 255, 255, 255, 255, 255, 255]],
      ] as const) {
        const expected = nonce.map((byte, i) => byte ^ (tail[i - 4] ?? 0));
        const sealed = provider.chacha20poly1305.seal(KEY.key, expected, AAD, TEXT);
        assert.deepEqual(sealAt(provider, KEY, seq, AAD, TEXT), sealed, `seq ${seq}`);
        assert.deepEqual(openAt(provider, KEY, seq, AAD, sealed), TEXT);
      }
      assert.deepEqual(KEY.baseNonce, nonce, 'the base nonce itself stays');
      for (const seq of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
        assert.throws(() => sealAt(provider, KEY, seq, AAD, TEXT), TypeError);
    });

    it(`opens nothing under another number, header or key, nor what is too short, with ${provider.name}`, () => {
      const sealed = sealAt(provider, KEY, 7, AAD, TEXT);
      const refused = code('open_failed');
      assert.throws(() => openAt(provider, KEY, 8, AAD, sealed), refused);
      assert.throws(() => openAt(provider, KEY, 7, TEXT, sealed), refused);
      assert.throws(() => openAt(provider, { ...KEY, key: flipped(KEY.key, 31) }, 7, AAD, sealed), refused);
      for (let length = 0; length < sealed.length; length++)
        assert.throws(() => openAt(provider, KEY, 7, AAD, sealed.subarray(0, length)), refused);
    });
  }

  it('is the same under both providers, and neither takes a changed bit', () => {
    const seqs = fc.maxSafeNat();
    fc.assert(
      fc.property(seqs, fc.uint8Array({ maxLength: 99 }), fc.uint8Array({ maxLength: 999 }), fc.nat(), (seq, aad, text, bit) => {
        const sealed = sealAt(nobleProvider, KEY, seq, aad, text);
        assert.deepEqual(sealAt(nativeProvider, KEY, seq, aad, text), sealed);
        for (const provider of PROVIDERS) {
          assert.deepEqual(openAt(provider, KEY, seq, aad, sealed), Uint8Array.from(text));
          const changed = flipped(sealed, (bit >> 3) % sealed.length, 1 << (bit & 7));
          assert.throws(() => openAt(provider, KEY, seq, aad, changed), code('open_failed'));
        }
      }),
      { numRuns: 60 },
    );
  });
});
