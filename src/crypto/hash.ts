/** SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), HKDF-SHA256 (RFC 5869). Of noble under both providers: their inputs are short. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../bytes.ts';

/** 32 bytes. */
export const sha256 = (message: Uint8Array): Bytes => nobleSha256(message) as Bytes;

/** 32 bytes. Compare MACs with `equal` of bytes.ts only. */
export const hmacSha256 = (key: Uint8Array, message: Uint8Array): Bytes => hmac(nobleSha256, key, message) as Bytes;

/** `length` at most 255 · 32 bytes, else a `TypeError`. An empty salt is 32 zeros (RFC 5869 section 2.2). */
export function hkdfSha256(options: { ikm: Uint8Array; salt: Uint8Array; info: Uint8Array; length: number }): Bytes {
  if (options.length > 255 * 32) throw new TypeError('HKDF-SHA256 derives at most 8,160 bytes');
  return hkdf(nobleSha256, options.ikm, options.salt, options.info, options.length) as Bytes;
}
