/**
 * An event's content ⇄ its envelopes: `{"envelopes": [...]}`, all of the event's type (PROTOCOL.md section 4). What comes in is hostile
 * until it parses; one bad envelope is refused by itself and takes none beside it along.
 */
import { type ErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Envelope, type EnvelopeType, parseEnvelope } from '../protocol/envelope.ts';

export interface Refusal {
  readonly code: ErrorCode;
  /** Which part was wrong, never what it held. */
  readonly reason: string;
  /** What was refused, as JSON, cut to what the quarantine keeps. */
  readonly content: string;
}

export interface Decoded {
  readonly envelopes: readonly Envelope[];
  readonly refused: readonly Refusal[];
}

/** Where the frame of a JSON envelope surely ends: below this much text in its fields, its size needs no measuring. */
const FRAME_BYTES = 2_048;

/** Joins texts of `encodeEnvelope` unchanged: what is repeated is repeated byte for byte. */
export const encodeContent = (encoded: readonly string[]): string => `{"envelopes":[${encoded.join(',')}]}`;

/** Never throws. Fields beside `envelopes` are ignored, since homeservers put their own message ids there. */
export function decodeContent(type: EnvelopeType, content: unknown): Decoded {
  const list = typeof content === 'object' && content !== null ? (content as Record<string, unknown>)['envelopes'] : undefined;
  if (!Array.isArray(list) || list.length === 0) return whole('bad_encoding', 'content has no envelopes', content);
  if (list.length > LIMITS.envelopesPerEvent) return whole('too_large', 'too many envelopes in one event', content);
  const envelopes: Envelope[] = [];
  const refused: Refusal[] = [];
  for (const value of list) {
    try {
      envelopes.push(decodeOne(type, value));
    } catch (error) {
      refused.push(refusalOf(error, value));
    }
  }
  return { envelopes, refused };
}

function decodeOne(type: EnvelopeType, value: unknown): Envelope {
  if (isTooLarge(value)) throw new VollyError('too_large', 'envelope');
  const envelope = parseEnvelope(value);
  if (envelope.type !== type) throw new VollyError('wrong_type', 'envelope and event differ');
  return envelope;
}

/** Exact where it matters and cheap where it does not: only an envelope close to the limit is written out again to be measured. */
function isTooLarge(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let text = 0;
  for (const field of Object.values(value)) text += typeof field === 'string' ? field.length : 0;
  return text > LIMITS.envelopeBytes - FRAME_BYTES && JSON.stringify(value).length > LIMITS.envelopeBytes;
}

/** For what parsing or routing refused. An error that is none of ours is a bug of this side and is kept with the content that found it. */
export function refusalOf(error: unknown, value: unknown): Refusal {
  const known = error instanceof VollyError;
  return {
    code: known ? error.code : 'bad_encoding',
    reason: known ? error.message : 'unexpected error',
    content: excerpt(value),
  };
}

const whole = (code: ErrorCode, reason: string, content: unknown): Decoded => ({
  envelopes: [],
  refused: [{ code, reason: `${code}: ${reason}`, content: excerpt(content) }],
});

/** Reading JSON takes any depth, writing it does not: what is nested thousands of arrays deep overflows the stack. */
function excerpt(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? '').slice(0, LIMITS.envelopeBytes);
  } catch {
    return '"cannot be written as JSON"';
  }
}
