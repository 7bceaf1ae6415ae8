import assert from 'node:assert/strict';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { concat, utf8 } from '../../src/bytes.ts';
import { hex } from '../support/vectors.ts';
import { flipped, nativeProvider, nobleProvider, PROVIDERS } from './providers.ts';

const { Point } = ed25519;
const { Fn } = Point;

/** A signature under A + T, T of small order. Only the cofactored equation takes it, unless k happens to cancel T. */
function mixedOrder(torsion: string, message: Uint8Array) {
  const { scalar } = ed25519.utils.getExtendedPublicKey(new Uint8Array(32).fill(11));
  const key = Point.BASE.multiply(scalar).add(Point.fromHex(torsion)).toBytes();
  const r = Fn.create(bytesToNumberLE(sha512(concat(utf8('nonce'), message))));
  const R = Point.BASE.multiply(r).toBytes();
  const k = Fn.create(bytesToNumberLE(sha512(concat(R, key, message))));
  const signature = concat(R, numberToBytesLE(Fn.add(r, Fn.mul(k, scalar)), 32));
  return { key, signature, cancels: Point.fromHex(torsion).multiplyUnsafe(k).is0() };
}

describe('Ed25519 is cofactorless', () => {
  it('refuses one signature under a mixed-order key that the cofactored equation accepts', () => {
    const key = hex('e996f4ea4724575852e3dbf6b5669f0accf709b66472198bfa14e6f030f43553');
    const signature = hex(
      'b643f1b2275c5572c27a746ffd051f65b1a4609ef6b1aec4509086564ebc853c26b2fed9f527e9480ed0fa3a6dbaf33c8da376e4019d52c80fc579139330960a',
    );
    const message = utf8('mixed order');
    assert(ed25519.verify(signature, message, key, { zip215: false }), 'noble itself is cofactored');
    for (const { ed25519 } of PROVIDERS) assert.equal(ed25519.verify(key, message, signature), false);
  });

  it('agrees between providers on mixed-order keys, accepting exactly where the torsion cancels', () => {
    let accepted = 0;
    for (const torsion of ED25519_TORSION_SUBGROUP)
      for (let i = 0; i < 8; i++) {
        const message = utf8(`message ${i}`);
        const { key, signature, cancels } = mixedOrder(torsion, message);
        for (const provider of PROVIDERS) assert.equal(provider.ed25519.verify(key, message, signature), cancels, provider.name);
        if (cancels) accepted++;
      }
    assert(accepted > 8 && accepted < 64, 'both outcomes occur, beyond the eight of the identity');
  });

  for (const { name, ed25519 } of PROVIDERS) {
    it(`refuses S + L, keys off the curve and non-canonical keys with ${name}`, () => {
      const seed = new Uint8Array(32).fill(4);
      const message = utf8('m');
      const [key, signature] = [ed25519.publicKey(seed), ed25519.signer(seed)(message)];
      assert(ed25519.verify(key, message, signature));
      const S = bytesToNumberLE(signature.subarray(32)) + Fn.ORDER;
      assert.equal(ed25519.verify(key, message, concat(signature.subarray(0, 32), numberToBytesLE(S, 32))), false);
      assert.equal(ed25519.verify(littleEndian(2n), message, signature), false, 'y = 2 is not on the curve');
      for (let y = 0n; y < 19n; y++) assert.equal(ed25519.verify(littleEndian(2n ** 255n - 19n + y), message, signature), false);
      for (const length of [0, 63, 65]) assert.equal(ed25519.verify(key, message, new Uint8Array(length)), false);
      for (const length of [0, 31, 33]) assert.equal(ed25519.verify(new Uint8Array(length), message, signature), false);
    });
  }

  it('signs and verifies alike under both providers, and neither takes a changed bit', () => {
    const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 300 }), fc.nat(511), (seed, message, bit) => {
        const [key, signature] = [nativeProvider.ed25519.publicKey(seed), nativeProvider.ed25519.signer(seed)(message)];
        assert.deepEqual(nobleProvider.ed25519.publicKey(seed), key);
        assert.deepEqual(nobleProvider.ed25519.signer(seed)(message), signature);
        for (const { ed25519 } of PROVIDERS) {
          assert(ed25519.verify(key, message, signature));
          assert.equal(ed25519.verify(key, message, flipped(signature, bit >> 3, 1 << (bit & 7))), false);
        }
      }),
      { numRuns: 40 },
    );
  });
});

function littleEndian(value: bigint): Uint8Array {
  return numberToBytesLE(value, 32);
}
