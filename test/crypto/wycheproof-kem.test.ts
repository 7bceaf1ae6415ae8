import assert from 'node:assert/strict';
import { hex, needVectors, readWycheproof } from '../support/vectors.ts';
import { code, PROVIDERS } from './providers.ts';

describe('Wycheproof: ML-KEM-768 and X25519', () => {
  before(function () {
    needVectors(this);
  });

  for (const { name, mlkem768, x25519 } of PROVIDERS) {
    it(`derives all 100 ML-KEM-768 keys from their seeds with ${name}`, () => {
      const { groups, count } = readWycheproof<{ seed: string; ek: string }>('mlkem_768_keygen_seed');
      let passed = 0;
      for (const group of groups)
        for (const test of group.tests) {
          assert.deepEqual(mlkem768.publicKey(hex(test.seed)), hex(test.ek), `case ${test.tcId}`);
          passed++;
        }
      assert.deepEqual({ passed, count }, { passed: 100, count: 100 });
    });

    it(`encapsulates all 265 ML-KEM-768 cases that apply to ${name}`, () => {
      const { groups, count } = readWycheproof<{ m: string; ek: string; c: string; K: string }>('mlkem_768_encaps');
      const tally = { same: 0, refused: 0, notApplicable: 0 };
      for (const group of groups)
        for (const test of group.tests) {
          const [key, m] = [hex(test.ek), hex(test.m)];
          if (test.result === 'invalid') {
            assert.throws(() => mlkem768.encapsulate(key), code('bad_key'), `case ${test.tcId}`);
            tally.refused++;
          } else if (name === 'native') {
            // node:crypto takes no randomness and must say so rather than ignore it.
            assert.throws(() => mlkem768.encapsulate(key, m), TypeError, `case ${test.tcId}`);
            tally.notApplicable++;
          } else {
            const made = mlkem768.encapsulate(key, m);
            assert.deepEqual(made, { ciphertext: hex(test.c), sharedSecret: hex(test.K) }, `case ${test.tcId}`);
            tally.same++;
          }
        }
      assert.equal(count, 265);
      const valid = name === 'native' ? { same: 0, notApplicable: 133 } : { same: 133, notApplicable: 0 };
      assert.deepEqual(tally, { ...valid, refused: 132 });
    });

    it(`decapsulates all 193 ML-KEM-768 cases with ${name}`, () => {
      const { groups, count } = readWycheproof<{ seed: string; c: string; K: string }>('mlkem_768');
      const tally = { same: 0, wrongSeed: 0, wrongCiphertext: 0 };
      for (const group of groups)
        for (const test of group.tests) {
          const [seed, ciphertext] = [hex(test.seed), hex(test.c)];
          if (test.result === 'valid') {
            assert.deepEqual(mlkem768.decapsulate(seed, ciphertext), hex(test.K), `case ${test.tcId}`);
            tally.same++;
          } else if (seed.length !== 64) {
            assert.throws(() => mlkem768.decapsulate(seed, ciphertext), TypeError, `case ${test.tcId}`);
            tally.wrongSeed++;
          } else {
            assert.throws(() => mlkem768.decapsulate(seed, ciphertext), code('bad_key'), `case ${test.tcId}`);
            tally.wrongCiphertext++;
          }
        }
      assert.equal(count, 193);
      assert.deepEqual(tally, { same: 153, wrongSeed: 20, wrongCiphertext: 20 });
    });

    it(`exchanges all 518 X25519 cases with ${name}, refusing exactly those whose secret is zero`, () => {
      const { groups, count } = readWycheproof<{ public: string; private: string; shared: string }>('x25519');
      const tally = { same: 0, refused: 0 };
      for (const group of groups)
        for (const test of group.tests) {
          const [own, peer] = [hex(test.private), hex(test.public)];
          if (/^0+$/.test(test.shared)) {
            assert.throws(() => x25519.exchange(own, peer), code('bad_key'), `case ${test.tcId}`);
            tally.refused++;
          } else {
            assert.deepEqual(x25519.exchange(own, peer).sharedSecret, hex(test.shared), `case ${test.tcId}`);
            tally.same++;
          }
        }
      assert.equal(count, 518);
      assert.deepEqual(tally, { same: 487, refused: 31 });
    });
  }
});
