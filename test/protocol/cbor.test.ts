import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VollyError } from '../../src/errors.ts';
import { asArray, asBool, asBytes, asOneOf, asText, asUint, type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { code } from '../crypto/providers.ts';
import { hex } from '../support/vectors.ts';

const values = fc.letrec<{ value: Cbor }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.boolean(),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
  ),
})).value;

describe('CBOR of section 3.1', () => {
  it('gives back every value it encodes', () => {
    fc.assert(fc.property(values, (value) => assert.deepEqual(decodeCbor(encodeCbor(value)), value)));
  });

  it('reads the examples of RFC 8949 appendix A that it allows', () => {
    for (const [bytes, value] of [
      ['00', 0],
      ['17', 23],
      ['1818', 24],
      ['1903e8', 1000],
      ['1b000000e8d4a51000', 1_000_000_000_000],
      ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
      ['f4', false],
      ['f5', true],
      ['4401020304', hex('01020304')],
      ['62c3bc', 'ü'],
      ['80', []],
      ['8301820203820405', [1, [2, 3], [4, 5]]],
    ] as const)
      assert.deepEqual(decodeCbor(hex(bytes)), value);
  });

  const refused: readonly [why: string, bytes: string][] = [
    ['nothing at all', ''],
    ['a map', 'a0'],
    ['a negative integer', '20'],
    ['a float', 'f93c00'],
    ['a float that is an integer', 'fb3ff0000000000000'],
    ['a tag', 'c101'],
    ['null', 'f6'],
    ['undefined', 'f7'],
    ['an unassigned simple value', 'e0'],
    ['true in two bytes', 'f815'],
    ['an array without a length', '9f01ff'],
    ['a byte string without a length', '5f4101ff'],
    ['a text without a length', '7f6161ff'],
    ['a break', 'ff'],
    ['a reserved head', '1c'],
    ['bytes after the item', '0000'],
    ['an integer that is not the shortest', '1817'],
    ['a length that is not the shortest', '580161'],
    ['an array length that is not the shortest', '980100'],
    ['an integer of nine bytes that fits five', '1b00000000ffffffff'],
    ['2^53', '1b0020000000000000'],
    ['2^64 - 1', '1bffffffffffffffff'],
    ['text that is not UTF-8', '61ff'],
    ['a surrogate in text', '63eda080'],
    ['a cut-off byte string', '4401'],
    ['a cut-off array', '8201'],
    ['an array that claims more items than there are bytes', '9affffffff00'],
    ['a cut-off head', '19ff'],
    ['five arrays in each other', '818181818100'],
  ];
  for (const [why, bytes] of refused)
    it(`refuses ${why}`, () => {
      assert.throws(() => decodeCbor(hex(bytes)), code('bad_encoding'));
    });

  it('accepts four arrays in each other and survives a megabyte of them', () => {
    assert.deepEqual(decodeCbor(hex('8181818100')), [[[[0]]]]);
    assert.throws(() => decodeCbor(new Uint8Array(1_000_000).fill(0x81)), code('bad_encoding'));
  });

  it('throws nothing but bad_encoding for any bytes, and what it accepts has one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          assert.deepEqual(encodeCbor(decodeCbor(bytes)), bytes);
        } catch (error) {
          assert(error instanceof VollyError && error.code === 'bad_encoding', String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('does not encode what it would not read', () => {
    const bad: unknown[] = [-1, 0.5, Number.NaN, 2 ** 53, null, undefined, 1n, {}, new Map(), '\ud800', [[[[[0]]]]], () => 0];
    for (const value of bad) assert.throws(() => encodeCbor(value as Cbor), TypeError);
  });

  it('reads fields only of their type, length and range', () => {
    const bytes = new Uint8Array(3);
    assert.equal(asBytes(bytes, 'x'), bytes);
    assert.equal(asBytes(bytes, 'x', 0, 3), bytes);
    assert.equal(asUint(7, 'x', 7), 7);
    assert.equal(asText('a', 'x'), 'a');
    assert.equal(asBool(true, 'x'), true);
    assert.equal(asOneOf('a', 'x', ['a', 'b']), 'a');
    assert.deepEqual(asArray([1], 'x', 1), [1]);
    for (const wrong of [
      () => asBytes(bytes, 'x', 2, 4),
      () => asBytes('aaa', 'x'),
      () => asBytes(undefined, 'x'),
      () => asUint(8, 'x', 7),
      () => asUint(true, 'x'),
      () => asText(bytes, 'x'),
      () => asBool(0, 'x'),
      () => asOneOf('c', 'x', ['a', 'b']),
      () => asArray([1], 'x', 2),
      () => asArray([1, 2, 3], 'x', 0, 2),
      () => asArray(bytes, 'x', 3),
    ])
      assert.throws(wrong, code('bad_encoding'));
  });
});
