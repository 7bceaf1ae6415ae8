/** The proof that the caller took this answer to this offer: both transcripts under a key only the two have. PROTOCOL.md section 9.3. */
import { type Bytes, concat } from '../bytes.ts';
import { hmacSha256 } from '../crypto/hash.ts';

/** 32 bytes. Compare with `equal` of bytes.ts only. */
export const selectMac = (confirm: Uint8Array, offerHash: Uint8Array, answerHash: Uint8Array): Bytes =>
  hmacSha256(confirm, concat(offerHash, answerHash));
