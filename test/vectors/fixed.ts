/** Fixed randomness for the vectors: everything that is drawn is SHAKE256 of a label, and noble signs and seals with it. */
import { shake256 } from '@noble/hashes/sha3.js';
import { type Bytes, toHex, utf8 } from '../../src/bytes.ts';
import type { RandomBytes } from '../../src/clock.ts';
import { noble } from '../../src/crypto/noble.ts';
import type { Provider } from '../../src/crypto/primitives.ts';

/** SHAKE256("volly-pq-1 vectors/" ‖ label), `length` bytes. */
export const draw = (label: string, length: number): Bytes => shake256(utf8(`volly-pq-1 vectors/${label}`), { dkLen: length }) as Bytes;

/** The draws of one step, in order: label/0, label/1, … */
export function randomOf(label: string): RandomBytes {
  let count = 0;
  return (length) => draw(`${label}/${count++}`, length);
}

/** m ‖ ephemeral X25519 key of an encapsulation. */
export const eseedOf = (label: string): Bytes => draw(`${label}/eseed`, 64);

/** ML-DSA in the deterministic variant of FIPS 204: rnd = 32 zeros. */
export const provider: Provider = {
  ...noble,
  mldsa65: {
    ...noble.mldsa65,
    signer: (seed) => {
      const sign = noble.mldsa65.signer(seed);
      return (message, context) => sign(message, context, new Uint8Array(32));
    },
  },
};

export const NOW = 1_790_000_000_000;

/** JSON in which bytes are lower-case hexadecimal. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? toHex(one) : one), 1)}\n`;
