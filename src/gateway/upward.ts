/** What an authenticated device may send up. PROTOCOL.md sections 4 and 14.5. */
import { fromUtf8 } from '../bytes.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { DeviceAddress } from '../ids.ts';
import { decodeEnvelope, type Envelope } from '../protocol/envelope.ts';

/** Only a sender's own mistakes: refusals by load or policy are not its fault. */
export const MALFORMED: ReadonlySet<ErrorCode> = new Set([
  'bad_encoding',
  'bad_address',
  'too_large',
  'wrong_sender',
  'bad_key',
  'bad_signature',
]);

/** An envelope of this very device. Throws `bad_encoding`, `bad_address`, `too_large`, `wrong_sender`. */
export function readUpward(bytes: Uint8Array, device: DeviceAddress): Envelope {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new VollyError('bad_encoding', 'envelope is not UTF-8', { cause });
  }
  const envelope = decodeEnvelope(text);
  // Also every type that is not a device's to send: its `from` is a member or a server.
  if (envelope.from !== device) throw new VollyError('wrong_sender', 'an envelope of another device');
  return envelope;
}
