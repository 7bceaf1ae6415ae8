import assert from 'node:assert/strict';
import { hkdfSha256 } from '../../src/crypto/hash.ts';
import { hex, needVectors, readWycheproof } from '../support/vectors.ts';
import { PROVIDERS } from './providers.ts';

describe('Wycheproof: ChaCha20-Poly1305 and HKDF-SHA256', () => {
  before(function () {
    needVectors(this);
  });

  for (const provider of PROVIDERS) {
    it(`seals and opens all 325 ChaCha20-Poly1305 cases with ${provider.name}`, () => {
      type Case = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
      const { groups, count } = readWycheproof<Case>('chacha20_poly1305');
      const { seal, open } = provider.chacha20poly1305;
      const tally = { valid: 0, wrongTag: 0, wrongNonce: 0 };
      for (const group of groups)
        for (const test of group.tests) {
          const [key, iv, aad, message] = [hex(test.key), hex(test.iv), hex(test.aad), hex(test.msg)];
          const sealed = hex(test.ct + test.tag);
          if (test.result === 'valid') {
            assert.deepEqual(seal(key, iv, aad, message), sealed, `case ${test.tcId}`);
            assert.deepEqual(open(key, iv, aad, sealed), message, `case ${test.tcId}`);
            tally.valid++;
          } else if (iv.length === 12) {
            assert.equal(open(key, iv, aad, sealed), undefined, `case ${test.tcId}`);
            tally.wrongTag++;
          } else {
            assert.throws(() => seal(key, iv, aad, message), TypeError, `case ${test.tcId}`);
            assert.throws(() => open(key, iv, aad, sealed), TypeError, `case ${test.tcId}`);
            tally.wrongNonce++;
          }
        }
      assert.equal(count, 325);
      assert.deepEqual(tally, { valid: 256, wrongTag: 60, wrongNonce: 9 });
    });
  }

  it('derives all 86 HKDF-SHA256 cases', () => {
    type Case = { ikm: string; salt: string; info: string; size: number; okm: string };
    const { groups, count } = readWycheproof<Case>('hkdf_sha256');
    const tally = { valid: 0, tooLong: 0 };
    for (const group of groups)
      for (const test of group.tests) {
        const derive = () => hkdfSha256({ ikm: hex(test.ikm), salt: hex(test.salt), info: hex(test.info), length: test.size });
        if (test.result === 'valid') {
          assert.deepEqual(derive(), hex(test.okm), `case ${test.tcId}`);
          tally.valid++;
        } else {
          assert.throws(derive, TypeError, `case ${test.tcId}`);
          tally.tooLong++;
        }
      }
    assert.equal(count, 86);
    assert.deepEqual(tally, { valid: 83, tooLong: 3 });
  });
});
