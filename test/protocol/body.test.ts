import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { concat, u32, utf8 } from '../../src/bytes.ts';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeBody, deflateSdp, encodeBody, inflateSdp, PADDING } from '../../src/protocol/body.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';
import { code } from '../crypto/providers.ts';
import { AV, BROWSERS, KINDS, sdpOf } from './people.ts';

/** A body whose CBOR has `length` bytes; the head of a byte string has 3 from 256 bytes on. */
const bodyOf = (length: number, padding: Parameters<typeof encodeBody>[1]) => encodeBody(new Uint8Array(length - 3), padding);

describe('Bodies of section 3.2', () => {
  it('pads each kind to its steps', () => {
    for (const [padding, length, size] of [
      [PADDING.offer, 300, 3_072],
      [PADDING.offer, 3_068, 3_072],
      [PADDING.offer, 3_069, 5_120],
      [PADDING.offer, 5_116, 5_120],
      [PADDING.offer, 5_117, 7_168],
      [PADDING.description, 2_044, 2_048],
      [PADDING.description, 2_045, 4_096],
      [PADDING.call, 508, 512],
      [PADDING.call, 509, 1_024],
      [PADDING.presence, 509, 768],
      [PADDING.update, 380, 384],
    ] as const)
      assert.equal(bodyOf(length, padding).length, size);
    assert.equal(encodeBody([], PADDING.update).length, 64);
    assert.equal(encodeBody([], PADDING.presence).length, 256);
  });

  it('is never larger than 24,576 bytes', () => {
    assert.equal(bodyOf(24_572, PADDING.description).length, 24_576);
    assert.throws(() => bodyOf(24_573, PADDING.description), code('too_large'));
    // An offer's steps end below: 3,072 + 10 · 2,048.
    assert.throws(() => bodyOf(23_549, PADDING.offer), code('too_large'));
    assert.throws(() => decodeBody(new Uint8Array(24_577)), code('too_large'));
  });

  it('refuses a length that does not fit and padding that is not zeros', () => {
    const body = encodeBody([1], PADDING.call);
    assert.deepEqual(decodeBody(body), [1]);
    assert.throws(() => decodeBody(concat(u32(509), new Uint8Array(508))), code('bad_padding'));
    assert.throws(() => decodeBody(concat(u32(0xffffffff), new Uint8Array(508))), code('bad_padding'));
    for (const length of [0, 1, 3]) assert.throws(() => decodeBody(new Uint8Array(length)), code('bad_padding'));
    for (const at of [6, 100, 511]) {
      const dirty = body.slice();
      dirty[at] = 1;
      assert.throws(() => decodeBody(dirty), code('bad_padding'));
    }
  });

  it('reads its CBOR from exactly the bytes the length names', () => {
    const cbor = encodeCbor([1, 2]);
    assert.throws(() => decodeBody(concat(u32(cbor.length + 1), cbor, new Uint8Array(1))), code('bad_encoding'));
    assert.throws(() => decodeBody(concat(u32(0), new Uint8Array(60))), code('bad_encoding'));
  });
});

describe('Deflated SDP of section 3.3', () => {
  it('gives back every browser’s SDP', () => {
    for (const browser of BROWSERS)
      for (const kind of KINDS) {
        const { offer } = sdpOf(browser, kind);
        assert.equal(inflateSdp(deflateSdp(offer)), offer);
      }
  });

  it('ignores what follows the stream', () => {
    assert.equal(inflateSdp(concat(deflateSdp(AV.offer), utf8('more'))), AV.offer);
  });

  it('refuses what inflates past 65,536 bytes, also a bomb of 25 MB', () => {
    const most = 'a'.repeat(LIMITS.sdpBytes);
    assert.equal(inflateSdp(deflateSdp(most)), most);
    assert.throws(() => deflateSdp(`${most}a`), code('too_large'));
    assert.throws(() => inflateSdp(deflateSync(utf8(`${most}a`))), code('too_large'));
    assert.throws(() => inflateSdp(deflateSync(new Uint8Array(25_000_000))), code('too_large'));
    // Stored blocks, which cannot grow but are copied whole.
    assert.throws(() => inflateSdp(deflateSync(new Uint8Array(70_000), { level: 0 })), code('too_large'));
  });

  it('refuses a stream that is empty, cut off, or not UTF-8', () => {
    assert.throws(() => inflateSdp(new Uint8Array()), code('bad_encoding'));
    const whole = deflateSdp(AV.offer);
    for (const length of [1, 100, whole.length - 1])
      assert.throws(() => inflateSdp(whole.slice(0, length)), code('bad_encoding'));
    assert.throws(() => inflateSdp(deflateSync(Uint8Array.of(0xff, 0xfe))), code('bad_encoding'));
  });

  it('throws nothing but a VollyError for any bytes', () => {
    const valid = deflateSdp(AV.offer);
    const mutated = fc.tuple(fc.nat({ max: valid.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const copy = valid.slice();
      copy[at] = (copy[at] as number) ^ mask;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (bytes) => {
        try {
          inflateSdp(bytes);
        } catch (error) {
          assert(error instanceof VollyError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
