import assert from 'node:assert/strict';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { concat } from '../../src/bytes.ts';
import { checkCompositePublicKey, compositePublicKey, compositeVerify } from '../../src/crypto/composite.ts';
import { openBase, sealBase } from '../../src/crypto/hpke.ts';
import { checkXwingPublicKey, XWING, xwingDecapsulate, xwingEncapsulate, xwingPublicKey } from '../../src/crypto/xwing.ts';
import { hex } from '../support/vectors.ts';
import { code, nobleProvider, PROVIDERS } from './providers.ts';

const SEED = new Uint8Array(32).fill(7);
const EMPTY = new Uint8Array();
const P = 2n ** 255n - 19n;

function littleEndian(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).reverse();
}

/** Every 32-byte spelling of a low-order u: reduced or not, with the ignored top bit clear or set. */
const LOW_ORDER_POINTS = [
  0n,
  1n,
  P - 1n,
  P,
  P + 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
].flatMap((u) => [littleEndian(u), littleEndian(u | (1n << 255n))]);

/** Every encoding of the eight points of small order, canonical or not. */
const SMALL_ORDER_KEYS = [
  ...ED25519_TORSION_SUBGROUP.map((text) => hex(text)),
  ...[0n, 1n, P - 1n, P, P + 1n].flatMap((y) => [littleEndian(y), littleEndian(y | (1n << 255n))]),
];

const good = xwingPublicKey(nobleProvider, SEED);
const withX25519 = (key: Uint8Array, point: Uint8Array) => concat(key.subarray(0, key.length - 32), point);

/** The good key with one coefficient replaced: two coefficients of 12 bits to three bytes, little endian (FIPS 203 section 4.2.1). */
function withCoefficient(index: number, value: number): Uint8Array {
  const key = good.slice();
  const at = Math.floor(index / 2) * 3;
  const byte = (offset: number) => key[at + offset] as number;
  if (index % 2 === 0) {
    key[at] = value & 255;
    key[at + 1] = (byte(1) & 0xf0) | (value >> 8);
  } else {
    key[at + 1] = (byte(1) & 0x0f) | ((value & 15) << 4);
    key[at + 2] = value >> 4;
  }
  return key;
}

const BAD_XWING_KEYS: readonly (readonly [string, Uint8Array])[] = [
  ...[0, 32, 1184, XWING.publicKey - 1, XWING.publicKey + 1].map((n) => [`${n} bytes`, new Uint8Array(n).fill(9)] as const),
  ...LOW_ORDER_POINTS.map((point, i) => [`low-order point ${i}`, withX25519(good, point)] as const),
  ...[0, 1, 255, 256, 766, 767].flatMap((i) =>
    [3329, 4095].map((value) => [`coefficient ${i} = ${value}`, withCoefficient(i, value)] as const),
  ),
];

describe('R8 low-order points and bad encapsulation keys are refused', () => {
  it('in the check of an X-Wing key, each with bad_key', () => {
    checkXwingPublicKey(good);
    for (const i of [0, 1, 766, 767]) checkXwingPublicKey(withCoefficient(i, 3328));
    for (const [what, key] of BAD_XWING_KEYS) assert.throws(() => checkXwingPublicKey(key), code('bad_key'), what);
    assert.equal(BAD_XWING_KEYS.length, 5 + 14 + 12);
  });

  for (const provider of PROVIDERS) {
    it(`when encapsulating and sealing to them with ${provider.name}`, async () => {
      for (const [what, publicKey] of BAD_XWING_KEYS) {
        assert.throws(() => xwingEncapsulate(provider, publicKey), code('bad_key'), what);
        const sealing = sealBase(provider, { publicKey, info: EMPTY, aad: EMPTY, plaintext: EMPTY });
        await assert.rejects(sealing, code('bad_key'), what);
      }
    });

    it(`as the ephemeral key inside a ciphertext with ${provider.name}`, async () => {
      const sealed = await sealBase(provider, { publicKey: good, info: EMPTY, aad: EMPTY, plaintext: EMPTY });
      for (const point of LOW_ORDER_POINTS) {
        const enc = withX25519(sealed.enc, point);
        assert.throws(() => xwingDecapsulate(provider, SEED, enc), code('bad_key'));
        const opening = openBase(provider, { seed: SEED, enc, info: EMPTY, aad: EMPTY, ciphertext: sealed.ciphertext });
        await assert.rejects(opening, code('bad_key'));
      }
    });

    it(`as Ed25519 keys, for which the identity would sign anything, with ${provider.name}`, () => {
      const key = compositePublicKey(provider, new Uint8Array(64).fill(1));
      checkCompositePublicKey(key);
      // S = 0 and R = A verifies under the identity and, for one message in eight, under the rest.
      for (const small of SMALL_ORDER_KEYS) {
        const signature = concat(small, new Uint8Array(32));
        for (let i = 0; i < 16; i++) assert.equal(provider.ed25519.verify(small, Uint8Array.of(i), signature), false);
        assert.throws(() => checkCompositePublicKey(withX25519(key, small)), code('bad_key'));
        assert.equal(compositeVerify(provider, withX25519(key, small), EMPTY, '', new Uint8Array(3373)), false);
      }
      for (const length of [0, 32, 1952, 1983, 1985])
        assert.throws(() => checkCompositePublicKey(new Uint8Array(length).fill(9)), code('bad_key'));
    });
  }

  it('with lists that are complete: these points have small order, and there are no others', () => {
    const torsion = new Set(ED25519_TORSION_SUBGROUP);
    assert.equal(torsion.size, 8);
    for (const text of torsion) assert(ed25519.Point.fromHex(text).isSmallOrder());
    // u = (1 + y) / (1 - y) carries the eight points to 0, 1, -1, two u of order 8, and infinity (RFC 7748 section 4.1).
    const Fp = ed25519.Point.Fp;
    const images = [...torsion].map((text) => {
      const { y } = ed25519.Point.fromHex(text).toAffine();
      return y === 1n ? undefined : Fp.div(Fp.add(1n, y), Fp.sub(1n, y));
    });
    // The twist has cofactor 4: beside 0 and infinity only -1.
    const all = new Set([...images.filter((u) => u !== undefined), P - 1n]);
    const mask = (1n << 255n) - 1n;
    const listed = LOW_ORDER_POINTS.map((point) => (BigInt(`0x${Buffer.from(point).reverse().toString('hex')}`) & mask) % P);
    assert.deepEqual(new Set(listed), all);
    assert.equal(all.size, 5);
  });
});
