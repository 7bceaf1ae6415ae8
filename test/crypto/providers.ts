import assert from 'node:assert/strict';
import { native } from '../../src/crypto/native.ts';
import { noble } from '../../src/crypto/noble.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { VollyError } from '../../src/errors.ts';

/** The Node that package.json asks for has all of node:crypto that is needed: without it these tests would prove half. */
assert(native, 'node:crypto lacks ML-KEM, ML-DSA or raw keys: run the tests with node_modules/.bin/node');

export const nativeProvider: Provider = native;
export const nobleProvider: Provider = noble;
export const PROVIDERS: readonly Provider[] = [noble, native];

/** For assert.throws and assert.rejects. */
export const code = (expected: string) => (error: unknown) => error instanceof VollyError && error.code === expected;

/** A copy with one bit of one byte flipped. */
export function flipped(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ mask;
  return copy;
}
