/** When what nobody acknowledged is sent again. PROTOCOL.md section 15. */
import assert from 'node:assert/strict';
import { FIRST_MS, repeatAfter } from '../../src/routing/repeats.ts';

/** The middle of the jitter. */
const middle = () => Uint8Array.of(127);
const seconds = (tries: number, age: number): number => Math.round(repeatAfter(tries, age, FIRST_MS, middle) / 1_000);

describe('a repeat', () => {
  it('comes after about 1, 2, 4, 8, 8 s, and after two minutes ever less often, up to 5 min apart', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 20].map((tries) => seconds(tries, 119_000)),
      [1, 2, 4, 8, 8, 8],
    );
    assert.deepEqual(
      [5, 6, 9, 10, 20, 2_000].map((tries) => seconds(tries, 120_000)),
      [16, 32, 256, 300, 300, 300],
    );
  });

  it('is jittered by at most 15 %', () => {
    const at = (byte: number) => repeatAfter(1, 0, 10_000, () => Uint8Array.of(byte));
    assert.deepEqual([at(0), at(255)], [6_800, 9_200]);
  });
});
