import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes.ts';
import { hkdfSha256, hmacSha256, sha256 } from '../../src/crypto/hash.ts';
import { PROVIDERS } from './providers.ts';

describe('Hashes', () => {
  it('are SHA-256 and HMAC-SHA256 of FIPS 180 and RFC 4231', () => {
    assert.equal(toHex(sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const mac = hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?'));
    assert.equal(toHex(mac), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  it('agree with node:crypto on any input', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(bytes, bytes, (key, message) => {
        assert.deepEqual(sha256(message), new Uint8Array(createHash('sha256').update(message).digest()));
        assert.deepEqual(hmacSha256(key, message), new Uint8Array(createHmac('sha256', key).update(message).digest()));
        const digest = new Uint8Array(createHash('sha512').update(message).digest());
        for (const { sha512 } of PROVIDERS) assert.deepEqual(sha512(message), digest);
      }),
      { numRuns: 60 },
    );
  });

  it('derive nothing longer than HKDF can', () => {
    const options = { ikm: utf8('ikm'), salt: utf8(''), info: utf8('') };
    assert.equal(hkdfSha256({ ...options, length: 255 * 32 }).length, 8160);
    assert.throws(() => hkdfSha256({ ...options, length: 255 * 32 + 1 }), TypeError);
  });
});
