/**
 * The AEAD for what follows a handshake or a seal: ChaCha20-Poly1305 under an exported key, the nonce made from a base
 * nonce and the message's sequence number as HPKE does (RFC 9180 section 5.2, ComputeNonce).
 */
import { type Bytes, u64 } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { assertLength, type Provider, SIZES } from './primitives.ts';

const { key: KEY, nonce: NONCE } = SIZES.chacha20poly1305;

/** 44 bytes as exported: key ‖ base nonce. One direction of one epoch; a pair (key, seq) seals once. */
export const AEAD_KEY_BYTES = KEY + NONCE;

export interface AeadKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly baseNonce: Uint8Array;
}

/** Copies, so that the exported bytes can be erased. */
export function aeadKey(exported: Uint8Array): AeadKey {
  assertLength(exported, AEAD_KEY_BYTES, 'an exported AEAD key');
  return { key: exported.slice(0, KEY), baseNonce: exported.slice(KEY) };
}

function nonceAt(baseNonce: Uint8Array, seq: number): Bytes {
  assertLength(baseNonce, NONCE, 'a base nonce');
  if (!Number.isSafeInteger(seq) || seq < 0) throw new TypeError('a sequence number is an integer from 0 to 2^53 - 1');
  const nonce = new Uint8Array(baseNonce);
  const counter = u64(seq);
  for (let at = 0; at < 8; at++) nonce[NONCE - 8 + at] = (nonce[NONCE - 8 + at] as number) ^ (counter[at] as number);
  return nonce;
}

/** The plaintext's length and 16 bytes more. The caller guarantees that this `seq` was never used with this key. */
export const sealAt = (provider: Provider, key: AeadKey, seq: number, aad: Uint8Array, plaintext: Uint8Array): Bytes =>
  provider.chacha20poly1305.seal(key.key, nonceAt(key.baseNonce, seq), aad, plaintext);

/** Throws `open_failed`. */
export function openAt(provider: Provider, key: AeadKey, seq: number, aad: Uint8Array, ciphertext: Uint8Array): Bytes {
  const plaintext = provider.chacha20poly1305.open(key.key, nonceAt(key.baseNonce, seq), aad, ciphertext);
  if (plaintext === undefined) throw new VollyError('open_failed', 'AEAD');
  return plaintext;
}
