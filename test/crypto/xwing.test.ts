import assert from 'node:assert/strict';
import fc from 'fast-check';
import { XWING, xwingDecapsulate, xwingEncapsulate, xwingPublicKey } from '../../src/crypto/xwing.ts';
import { hex, needVectors, readVectors } from '../support/vectors.ts';
import { code, flipped, nativeProvider, nobleProvider, PROVIDERS } from './providers.ts';

const seeds = fc.uint8Array({ minLength: XWING.seed, maxLength: XWING.seed });

describe('X-Wing', () => {
  for (const provider of PROVIDERS) {
    it(`gives the keys, ciphertexts and secrets of the draft's 3 vectors with ${provider.name}`, function () {
      needVectors(this);
      const vectors = readVectors<Record<'seed' | 'eseed' | 'ss' | 'sk' | 'pk' | 'ct', string>[]>('x-wing.json');
      const tally = { keys: 0, encapsulated: 0, decapsulated: 0, notApplicable: 0 };
      for (const vector of vectors) {
        const [seed, eseed, publicKey] = [hex(vector.sk), hex(vector.eseed), hex(vector.pk)];
        assert.deepEqual(xwingPublicKey(provider, seed), publicKey);
        tally.keys++;
        assert.deepEqual(xwingDecapsulate(provider, seed, hex(vector.ct)), hex(vector.ss));
        tally.decapsulated++;
        if (provider.name === 'native') {
          assert.throws(() => xwingEncapsulate(provider, publicKey, eseed), TypeError);
          tally.notApplicable++;
        } else {
          const made = xwingEncapsulate(provider, publicKey, eseed);
          assert.deepEqual(made, { sharedSecret: hex(vector.ss), ciphertext: hex(vector.ct) });
          tally.encapsulated++;
        }
      }
      const made = provider.name === 'native' ? { encapsulated: 0, notApplicable: 3 } : { encapsulated: 3, notApplicable: 0 };
      assert.deepEqual(tally, { ...made, keys: 3, decapsulated: 3 });
    });

    it(`refuses a ciphertext of another length with ${provider.name}`, () => {
      const seed = new Uint8Array(32);
      for (const length of [0, 32, XWING.ciphertext - 1, XWING.ciphertext + 1])
        assert.throws(() => xwingDecapsulate(provider, seed, new Uint8Array(length).fill(9)), code('bad_key'));
    });

    it(`gives another secret for a changed ciphertext, in either part, with ${provider.name}`, () => {
      const seed = new Uint8Array(32).fill(3);
      const { sharedSecret, ciphertext } = xwingEncapsulate(provider, xwingPublicKey(provider, seed));
      for (const at of [0, 1087, 1088, 1118])
        assert.notDeepEqual(xwingDecapsulate(provider, seed, flipped(ciphertext, at)), sharedSecret);
    });

    it(`takes a private key of another length for a bug with ${provider.name}`, () => {
      for (const length of [0, 31, 33, 2432]) assert.throws(() => xwingPublicKey(provider, new Uint8Array(length)), TypeError);
    });
  }

  it('is the same KEM under both providers', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const publicKey = xwingPublicKey(nativeProvider, seed);
        assert.deepEqual(publicKey, xwingPublicKey(nobleProvider, seed));
        for (const [sender, receiver] of [
          [nativeProvider, nobleProvider],
          [nobleProvider, nativeProvider],
        ] as const) {
          const { sharedSecret, ciphertext } = xwingEncapsulate(sender, publicKey);
          assert.deepEqual(xwingDecapsulate(receiver, seed, ciphertext), sharedSecret);
          const changed = flipped(ciphertext, (seed[0] as number) * 4, 1 + ((seed[1] as number) & 127));
          assert.deepEqual(xwingDecapsulate(receiver, seed, changed), xwingDecapsulate(sender, seed, changed));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('never repeats a ciphertext and leaves its inputs as they were', () => {
    const seed = new Uint8Array(32).fill(5);
    for (const provider of PROVIDERS) {
      const publicKey = xwingPublicKey(provider, seed);
      const before = publicKey.slice();
      const [one, two] = [xwingEncapsulate(provider, publicKey), xwingEncapsulate(provider, publicKey)];
      assert.notDeepEqual(one.ciphertext.subarray(0, 1088), two.ciphertext.subarray(0, 1088));
      assert.notDeepEqual(one.ciphertext.subarray(1088), two.ciphertext.subarray(1088));
      const ciphertext = one.ciphertext.slice();
      xwingDecapsulate(provider, seed, one.ciphertext);
      assert.deepEqual([seed, publicKey, one.ciphertext], [new Uint8Array(32).fill(5), before, ciphertext]);
    }
  });
});
