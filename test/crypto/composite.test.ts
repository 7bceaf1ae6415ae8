import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { concat, utf8 } from '../../src/bytes.ts';
import { COMPOSITE, compositePublicKey, compositeSign, compositeVerify } from '../../src/crypto/composite.ts';
import { base64, needVectors, readVectors } from '../support/vectors.ts';
import { flipped, nativeProvider, nobleProvider, PROVIDERS } from './providers.ts';

interface VectorFile {
  m: string;
  ctx: string;
  tests: { tcId: string; pk: string; sk: string; s: string; sWithContext: string }[];
}

const SEED = new Uint8Array(64).map((_, i) => i);
const MESSAGE = utf8('a message');

describe('Composite ML-DSA-65 with Ed25519', () => {
  for (const provider of PROVIDERS) {
    it(`verifies the signatures of the draft and derives its key with ${provider.name}`, function () {
      needVectors(this);
      const { m, ctx, tests } = readVectors<VectorFile>('composite-mldsa65-ed25519-sha512.json');
      const [message, context] = [base64(m), base64(ctx)];
      const tally = { keys: 0, verified: 0, refused: 0, signed: 0 };
      const verify = (key: Uint8Array, text: Uint8Array, signature: string) =>
        compositeVerify(provider, key, message, text, base64(signature));
      for (const { pk, sk, s, sWithContext } of tests) {
        const key = base64(pk);
        assert.deepEqual(compositePublicKey(provider, base64(sk)), key);
        tally.keys++;
        assert(verify(key, new Uint8Array(), s) && verify(key, context, sWithContext));
        tally.verified += 2;
        assert(!verify(key, context, s) && !verify(key, new Uint8Array(), sWithContext));
        tally.refused += 2;
        const own = compositeSign(provider, base64(sk), message, context);
        assert.equal(own.length, base64(s).length);
        assert(compositeVerify(provider, key, message, context, own));
        // The Ed25519 half is deterministic, so the whole of it must be the draft's.
        assert.deepEqual(own.subarray(3309), base64(sWithContext).subarray(3309));
        tally.signed++;
      }
      assert.deepEqual(tally, { keys: 1, verified: 2, refused: 2, signed: 1 });
    });

    it(`refuses another context, message or key with ${provider.name}`, () => {
      const [key, other] = [compositePublicKey(provider, SEED), compositePublicKey(provider, SEED.toReversed())];
      const signature = compositeSign(provider, SEED, MESSAGE, 'volly/1/offer');
      assert(compositeVerify(provider, key, MESSAGE, 'volly/1/offer', signature));
      assert(compositeVerify(provider, key, MESSAGE, utf8('volly/1/offer'), signature));
      const again = compositeSign(provider, SEED, MESSAGE, 'volly/1/offer');
      assert.notDeepEqual(again, signature, 'hedged');
      for (const context of ['', 'volly/1/answer', 'volly/1/offe', 'volly/1/offer\0'])
        assert.equal(compositeVerify(provider, key, MESSAGE, context, signature), false, context);
      assert.equal(compositeVerify(provider, key, utf8('a messagf'), 'volly/1/offer', signature), false);
      assert.equal(compositeVerify(provider, other, MESSAGE, 'volly/1/offer', signature), false);
    });

    it(`needs both halves of the signature and of the key with ${provider.name}`, () => {
      const [one, two] = [SEED, SEED.toReversed()];
      const [keyOne, keyTwo] = [compositePublicKey(provider, one), compositePublicKey(provider, two)];
      const [signedOne, signedTwo] = [compositeSign(provider, one, MESSAGE, ''), compositeSign(provider, two, MESSAGE, '')];
      const mixed = concat(signedOne.subarray(0, 3309), signedTwo.subarray(3309));
      for (const key of [keyOne, keyTwo]) assert.equal(compositeVerify(provider, key, MESSAGE, '', mixed), false);
      const mixedKey = concat(keyOne.subarray(0, 1952), keyTwo.subarray(1952));
      for (const signature of [signedOne, signedTwo])
        assert.equal(compositeVerify(provider, mixedKey, MESSAGE, '', signature), false);
      assert(compositeVerify(provider, mixedKey, MESSAGE, '', mixed));
    });

    it(`says false, never more, to keys and signatures of another length with ${provider.name}`, () => {
      const [key, signature] = [compositePublicKey(provider, SEED), compositeSign(provider, SEED, MESSAGE, '')];
      for (const length of [0, 64, 3309, COMPOSITE.signature - 1, COMPOSITE.signature + 1])
        assert.equal(compositeVerify(provider, key, MESSAGE, '', new Uint8Array(length)), false);
      for (const length of [0, 32, 1952, COMPOSITE.publicKey - 1, COMPOSITE.publicKey + 1])
        assert.equal(compositeVerify(provider, new Uint8Array(length), MESSAGE, '', signature), false);
      assert.throws(() => compositeSign(provider, SEED, MESSAGE, 'x'.repeat(256)), TypeError);
      assert.throws(() => compositeSign(provider, SEED.subarray(1), MESSAGE, ''), TypeError);
    });

    it(`uses the ML-DSA label: neither half is a signature of its own with ${provider.name}`, () => {
      const [key, signature] = [compositePublicKey(provider, SEED), compositeSign(provider, SEED, MESSAGE, '')];
      const [dsaKey, dsaSignature] = [key.subarray(0, 1952), signature.subarray(0, 3309)];
      assert.equal(provider.mldsa65.verify(dsaKey, MESSAGE, dsaSignature, new Uint8Array()), false);
      assert.equal(provider.ed25519.verify(key.subarray(1952), MESSAGE, signature.subarray(3309)), false);
    });
  }

  it('is the same under both providers, and neither takes a changed bit', () => {
    const seeds = fc.uint8Array({ minLength: 64, maxLength: 64 });
    const texts = fc.uint8Array({ maxLength: 255 });
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 2000 }), texts, fc.nat(3373 * 8 - 1), (seed, message, context, bit) => {
        const key = compositePublicKey(nativeProvider, seed);
        assert.deepEqual(compositePublicKey(nobleProvider, seed), key);
        for (const signer of PROVIDERS) {
          const signature = compositeSign(signer, seed, message, context);
          const changed = flipped(signature, bit >> 3, 1 << (bit & 7));
          for (const verifier of PROVIDERS) {
            assert(compositeVerify(verifier, key, message, context, signature));
            assert.equal(compositeVerify(verifier, key, message, context, changed), false);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is not made with combineSigners of noble, which knows neither prefix nor prehash', () => {
    const folder = new URL('../../src/crypto/', import.meta.url);
    for (const name of readdirSync(folder))
      assert.doesNotMatch(readFileSync(new URL(name, folder), 'utf8'), /combineSigners\(|post-quantum\/hybrid/, name);
  });
});
