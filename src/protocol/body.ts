/** What is sealed: length, CBOR, zeros; and the SDP inside it. PROTOCOL.md sections 3.2 and 3.3. */
import { deflateSync, inflateSync } from 'fflate';
import { type Bytes, fromUtf8, readU32, u32, utf8 } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts';

/** Sizes in bytes: `first`, then `first` + k · `step`. An offer's first is larger so that its size tells less about its media. */
export const PADDING = {
  offer: { first: 3_072, step: 2_048 },
  description: { first: 2_048, step: 2_048 },
  call: { first: 512, step: 512 },
  presence: { first: 256, step: 256 },
  update: { first: 64, step: 64 },
} as const;

export type Padding = (typeof PADDING)[keyof typeof PADDING];

const LENGTH_BYTES = 4;

/** Throws `too_large` past 24,576 bytes. */
export function encodeBody(value: Cbor, padding: Padding): Bytes {
  const cbor = encodeCbor(value);
  const needed = LENGTH_BYTES + cbor.length;
  const size = padding.first + Math.max(0, Math.ceil((needed - padding.first) / padding.step)) * padding.step;
  if (size > LIMITS.bodyBytes) throw new VollyError('too_large', 'body');
  const body = new Uint8Array(size);
  body.set(u32(cbor.length));
  body.set(cbor, LENGTH_BYTES);
  return body;
}

/** Throws `too_large`, `bad_padding`, `bad_encoding`. */
export function decodeBody(body: Uint8Array): Cbor {
  if (body.length > LIMITS.bodyBytes) throw new VollyError('too_large', 'body');
  if (body.length < LENGTH_BYTES) throw new VollyError('bad_padding', 'no length');
  const end = LENGTH_BYTES + readU32(body);
  if (end > body.length) throw new VollyError('bad_padding', 'length');
  for (let at = end; at < body.length; at++) if (body[at] !== 0) throw new VollyError('bad_padding', 'not zeros');
  return decodeCbor(body.subarray(LENGTH_BYTES, end));
}

/** Raw DEFLATE. The SDP has passed `checkSdp`. Throws `too_large` past 65,536 bytes. */
export function deflateSdp(sdp: string): Bytes {
  const bytes = utf8(sdp);
  if (bytes.length > LIMITS.sdpBytes) throw new VollyError('too_large', 'SDP');
  return deflateSync(bytes, { level: 9 }) as Bytes;
}

/**
 * Through a buffer one byte larger than any SDP: fflate stops at its end without a word, so a full buffer means too large.
 * Throws `too_large`, `bad_encoding`. The result has not passed `checkSdp` yet.
 */
export function inflateSdp(deflated: Uint8Array): string {
  // fflate answers an empty input with the whole buffer.
  if (deflated.length === 0) throw new VollyError('bad_encoding', 'SDP is empty');
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(deflated, { out: new Uint8Array(LIMITS.sdpBytes + 1) });
  } catch (cause) {
    // A stored block past the end of the buffer.
    if (cause instanceof RangeError) throw new VollyError('too_large', 'SDP');
    throw new VollyError('bad_encoding', 'DEFLATE', { cause });
  }
  if (bytes.length > LIMITS.sdpBytes) throw new VollyError('too_large', 'SDP');
  try {
    return fromUtf8(bytes);
  } catch {
    throw new VollyError('bad_encoding', 'SDP is not UTF-8');
  }
}
