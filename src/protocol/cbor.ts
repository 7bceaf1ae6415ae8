/**
 * The CBOR of PROTOCOL.md section 3.1: unsigned integers to 2^53 - 1, byte strings, text, booleans and arrays, nested at most
 * 4 deep, in the one shortest encoding. What is signed is bytes, so a second spelling of one structure must not exist.
 */
import { decode, encode } from 'cborg';
import { type Bytes, equal } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export type Cbor = number | boolean | string | Uint8Array | readonly Cbor[];

const refuse = (what: string): never => {
  throw new VollyError('bad_encoding', what);
};

/** Own values only: what cannot be encoded is a bug and throws TypeError. */
export function encodeCbor(value: Cbor): Bytes {
  assertAllowed(value, 0);
  return encode(value) as Bytes;
}

function assertAllowed(value: Cbor, depth: number): void {
  if (Array.isArray(value)) {
    if (depth >= LIMITS.cborDepth) throw new TypeError('CBOR nested too deep');
    for (const item of value) assertAllowed(item, depth + 1);
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError('CBOR numbers are integers from 0 to 2^53 - 1');
  } else if (typeof value === 'string') {
    // A lone surrogate would come back as U+FFFD.
    if (!value.isWellFormed()) throw new TypeError('CBOR text must be well formed');
  } else if (typeof value !== 'boolean' && !(value instanceof Uint8Array)) {
    throw new TypeError('not a value of this protocol’s CBOR');
  }
}

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
};

/** Exactly one canonical item. Throws `bad_encoding`. Byte strings in the result are copies. */
export function decodeCbor(bytes: Uint8Array): Cbor {
  scan(bytes);
  let value: Cbor;
  let again: Uint8Array;
  try {
    value = decode(bytes, STRICT);
    // The canonical check: cborg lets invalid UTF-8 and some other spellings through.
    again = encode(value);
  } catch {
    return refuse('CBOR');
  }
  return equal(bytes, again) ? value : refuse('CBOR is not canonical');
}

/** Heads only: the types, the depth and the ends, so that the recursive decoder never sees what could exhaust its stack. */
function scan(bytes: Uint8Array): void {
  /** Items still to come in each open array. */
  const open: number[] = [];
  let at = 0;
  do {
    if (open.length > 0) open[open.length - 1] = (open.at(-1) as number) - 1;
    const head = readHead(bytes, at);
    at = head.end;
    switch (head.major) {
      case 0:
        break;
      case 2:
      case 3:
        if (head.value > bytes.length - at) refuse('CBOR is cut off');
        at += head.value;
        break;
      case 4:
        if (open.length >= LIMITS.cborDepth) refuse('CBOR nested too deep');
        // Each item takes a byte or more.
        if (head.value > bytes.length - at) refuse('CBOR is cut off');
        open.push(head.value);
        break;
      case 7:
        if (head.value !== 20 && head.value !== 21) refuse('CBOR type');
        break;
      default:
        refuse('CBOR type');
    }
    while (open.at(-1) === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) refuse('bytes after the CBOR');
}

function readHead(bytes: Uint8Array, at: number): { major: number; value: number; end: number } {
  const first = bytes[at] ?? refuse('CBOR is cut off');
  const major = first >> 5;
  const minor = first & 31;
  if (minor < 24) return { major, value: minor, end: at + 1 };
  // A one-byte simple value could only be another spelling of true and false; 28 to 31 are reserved or indefinite.
  if (minor > 27 || major === 7) return refuse('CBOR head');
  const length = 1 << (minor - 24);
  let value = 0;
  for (let i = 1; i <= length; i++) value = value * 256 + (bytes[at + i] ?? refuse('CBOR is cut off'));
  return { major, value, end: at + 1 + length };
}

// Readers: from a decoded value to a field. All throw `bad_encoding` with the field's name.

export const asBytes = (value: Cbor | undefined, what: string, ...lengths: readonly number[]): Bytes =>
  value instanceof Uint8Array && (lengths.length === 0 || lengths.includes(value.length)) ? (value as Bytes) : refuse(what);

export const asUint = (value: Cbor | undefined, what: string, max = Number.MAX_SAFE_INTEGER): number =>
  typeof value === 'number' && value <= max ? value : refuse(what);

export const asText = (value: Cbor | undefined, what: string): string => (typeof value === 'string' ? value : refuse(what));

export const asBool = (value: Cbor | undefined, what: string): boolean => (typeof value === 'boolean' ? value : refuse(what));

/** An array of `min` to `max` items; of exactly `min` where `max` is left out. */
export const asArray = (value: Cbor | undefined, what: string, min: number, max = min): readonly Cbor[] =>
  Array.isArray(value) && value.length >= min && value.length <= max ? (value as readonly Cbor[]) : refuse(what);

/** One of a few texts. */
export const asOneOf = <T extends string>(value: Cbor | undefined, what: string, allowed: readonly T[]): T =>
  allowed.find((one) => one === value) ?? refuse(what);
