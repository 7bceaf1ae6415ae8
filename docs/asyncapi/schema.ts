/**
 * JSON Schema (draft 7, as AsyncAPI 3 has it) for what the gateway's messages hold. CBOR is described by its JSON of RFC 8949 section 6.1:
 * arrays are arrays, and a byte string is its base64url without padding.
 */
import { SERVER_NAME, SERVER_NAME_CHARACTERS } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';

export interface Schema {
  readonly [keyword: string]: unknown;
}

const base64urlCharacters = (bytes: number): number => Math.ceil((bytes * 4) / 3);
const number = (value: number): string => value.toLocaleString('en');

/** The one canonical spelling: bits that the last character has left over are zero. */
const BASE64URL = '^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$';

/** A byte string of `min` to `max` bytes; of exactly `min` where `max` is left out. */
export const bytes = (min: number, max = min): Schema => ({
  type: 'string',
  contentEncoding: 'base64url',
  pattern: BASE64URL,
  minLength: base64urlCharacters(min),
  maxLength: base64urlCharacters(max),
  'x-bytes': min === max ? number(min) : `${number(min)} to ${number(max)}`,
});

/** Empty, or of just this many bytes. */
export const bytesOrEmpty = (size: number): Schema => {
  const { minLength, maxLength, ...rest } = bytes(size);
  return { ...rest, anyOf: [{ maxLength: 0 }, { minLength, maxLength }], 'x-bytes': `0 or ${number(size)}` };
};

/** An unsigned integer of PROTOCOL.md section 3.1. */
export const uint: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const flag: Schema = { type: 'boolean' };
/** A VollyError code or a word of the peer's. */
export const code: Schema = { type: 'string', pattern: '^[a-z_]{1,40}$' };

/** 128 bits in base64url: the last character holds two of them. */
export const id: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' };

/** Without its anchors. */
const SERVER = SERVER_NAME.source.slice(1, -1);
const MEMBER = `[a-z0-9][a-z0-9._=-]{0,63}@${SERVER}`;
/** PROTOCOL.md section 2. */
export const ADDRESSES = {
  server: { type: 'string', pattern: `^${SERVER}$`, maxLength: SERVER_NAME_CHARACTERS },
  member: { type: 'string', pattern: `^${MEMBER}$`, maxLength: 295 },
  device: { type: 'string', pattern: `^${MEMBER}/[A-Z0-9]{1,16}$`, maxLength: 312 },
} as const satisfies Record<string, Schema>;

/** A field with what it means. */
export const described = (schema: Schema, description: string): Schema => ({ ...schema, description });

/** A CBOR array of just these items. */
export const tuple = (items: readonly Schema[]): Schema => ({
  type: 'array',
  items,
  additionalItems: false,
  minItems: items.length,
  maxItems: items.length,
});

/** A JSON object with these members and no others. */
export const object = (required: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}): Schema => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
  additionalProperties: false,
});

/** Parts that have a form of their own: an envelope, a bundle, a list. */
export const part: Schema = bytes(1, LIMITS.envelopeBytes);
