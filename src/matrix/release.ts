/**
 * What was refused, read once more: what the quarantine keeps is an event, an event's content, or one envelope (codec.ts). Which of these it is
 * only its fields tell, and those its sender wrote: whatever it looks like, it speaks for the server that it came from (R10).
 */
import { VollyError } from '../errors.ts';
import { isServerName, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { parseEnvelope } from '../protocol/envelope.ts';
import type { QuarantineRow } from '../storage/types.ts';
import { parseObject } from './failure.ts';
import { type Arrival, readEvents } from './inbound.ts';

/** Throws what it is refused for by now: `bad_encoding` where it is cut, or only its outside was kept. */
export function readRefused(
  { source, code, content }: Pick<QuarantineRow, 'source' | 'code' | 'content'>,
  own: ServerName,
): readonly Arrival[] {
  if (!isServerName(source)) throw new VollyError('bad_encoding', 'not from another community');
  const value = parseObject(content);
  const arrivals = 'sender' in value ? inEvent(value, own) : inContent(value, source, code);
  if (arrivals.some(({ server }) => server !== source)) throw new VollyError('wrong_sender', 'of another server');
  return arrivals;
}

function inEvent(event: Readonly<Record<string, unknown>>, own: ServerName): readonly Arrival[] {
  const { arrivals, refused } = readEvents([event], own);
  if (refused.length > 0) throw new VollyError(refused[0]!.code, 'the event');
  if (arrivals.length === 0) throw new VollyError('bad_encoding', 'an event without envelopes');
  return arrivals;
}

function inContent(value: Readonly<Record<string, unknown>>, server: ServerName, code: string): readonly Arrival[] {
  // Its event had another type, and is not kept: nothing has changed that.
  if (code === 'wrong_type') throw new VollyError('wrong_type', 'envelope and event differ');
  const list: readonly unknown[] = Array.isArray(value['envelopes']) ? value['envelopes'] : [value];
  if (list.length === 0) throw new VollyError('bad_encoding', 'no envelopes');
  if (list.length > LIMITS.envelopesPerEvent) throw new VollyError('too_large', 'too many envelopes in one event');
  return list.map((one) => ({ server, envelope: parseEnvelope(one) }));
}
