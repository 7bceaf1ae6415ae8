import assert from 'node:assert/strict';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { hex, needVectors, readWycheproof } from '../support/vectors.ts';
import { PROVIDERS } from './providers.ts';

const DETERMINISTIC = new Uint8Array(32);

describe('Wycheproof: Ed25519 and ML-DSA-65', () => {
  before(function () {
    needVectors(this);
  });

  for (const { name, ed25519, mldsa65 } of PROVIDERS) {
    it(`verifies all 151 Ed25519 cases with ${name}`, () => {
      const { groups, count } = readWycheproof<{ msg: string; sig: string }>('ed25519');
      const tally = { valid: 0, invalid: 0, acceptable: 0 };
      for (const { publicKey, tests } of groups)
        for (const test of tests) {
          const key = hex((publicKey as { pk: string }).pk);
          assert.equal(ed25519.verify(key, hex(test.msg), hex(test.sig)), test.result === 'valid', `case ${test.tcId}`);
          tally[test.result]++;
        }
      assert.equal(count, 151);
      assert.deepEqual(tally, { valid: 88, invalid: 63, acceptable: 0 });
    });

    it(`verifies all 210 ML-DSA-65 cases with ${name}`, () => {
      const { groups, count } = readWycheproof<{ msg: string; ctx?: string; sig: string }>('mldsa_65_verify');
      const tally = { valid: 0, invalid: 0, acceptable: 0 };
      for (const { publicKey, tests } of groups)
        for (const test of tests) {
          const verified = mldsa65.verify(hex(publicKey as string), hex(test.msg), hex(test.sig), hex(test.ctx ?? ''));
          assert.equal(verified, test.result === 'valid', `case ${test.tcId}`);
          tally[test.result]++;
        }
      assert.equal(count, 210);
      assert.deepEqual(tally, { valid: 79, invalid: 131, acceptable: 0 });
    });

    it(`signs all 105 ML-DSA-65 cases that apply to ${name}`, () => {
      type Case = { msg?: string; mu?: string; ctx?: string; rnd?: string; sig: string };
      const { groups, count } = readWycheproof<Case>('mldsa_65_sign_seed');
      const tally = { same: 0, verifies: 0, refused: 0, internal: 0, notApplicable: 0 };
      for (const { privateSeed, tests } of groups)
        for (const test of tests) {
          const [seed, context, expected] = [hex(privateSeed as string), hex(test.ctx ?? ''), hex(test.sig)];
          if (test.msg === undefined) {
            // Sign_internal on mu is no part of a provider: for noble the package itself is asked.
            if (name === 'native') tally.notApplicable++;
            else {
              const { secretKey } = ml_dsa65.keygen(seed);
              const options = { externalMu: true, extraEntropy: false } as const;
              assert.deepEqual(ml_dsa65.internal.sign(hex(test.mu as string), secretKey, options), expected);
              tally.internal++;
            }
          } else if (test.result === 'invalid') {
            assert.throws(() => mldsa65.signer(seed)(hex(test.msg as string), context), TypeError, `case ${test.tcId}`);
            tally.refused++;
          } else if (name === 'native') {
            // Always hedged: what can be asked is that the vector verifies and that an own signature does.
            const [message, key] = [hex(test.msg), mldsa65.publicKey(seed)];
            assert(mldsa65.verify(key, message, expected, context), `case ${test.tcId}`);
            assert(mldsa65.verify(key, message, mldsa65.signer(seed)(message, context), context), `case ${test.tcId}`);
            tally.verifies++;
          } else {
            const rnd = test.rnd === undefined ? DETERMINISTIC : hex(test.rnd);
            assert.deepEqual(mldsa65.signer(seed)(hex(test.msg), context, rnd), expected, `case ${test.tcId}`);
            tally.same++;
          }
        }
      assert.equal(count, 105);
      const native = { same: 0, verifies: 84, internal: 0, notApplicable: 17 };
      const noble = { same: 84, verifies: 0, internal: 17, notApplicable: 0 };
      assert.deepEqual(tally, { ...(name === 'native' ? native : noble), refused: 4 });
    });
  }
});
