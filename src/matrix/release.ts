/** What was refused, read once more: what the quarantine keeps is an event, an event's content, or one envelope (codec.ts). */
import { VollyError } from '../errors.ts';
import { isServerName, type ServerName } from '../ids.ts';
import { type Envelope, parseEnvelope } from '../protocol/envelope.ts';
import { parseObject } from './failure.ts';
import { type Arrival, readEvents } from './inbound.ts';

/** Throws what it is refused for by now: `bad_encoding` where it is cut, or only its outside was kept. */
export function readRefused(
  { source, content }: { readonly source: string; readonly content: string },
  own: ServerName,
): readonly Arrival[] {
  if (!isServerName(source)) throw new VollyError('bad_encoding', 'not from another community');
  const value = parseObject(content);
  if ('sender' in value) {
    const { arrivals, refused } = readEvents([value], own);
    if (refused.length > 0) throw new VollyError(refused[0]!.code, 'the event');
    if (arrivals.length === 0) throw new VollyError('bad_encoding', 'an event without envelopes');
    return arrivals;
  }
  const list: readonly unknown[] = Array.isArray(value['envelopes']) ? value['envelopes'] : [value];
  if (list.length === 0) throw new VollyError('bad_encoding', 'no envelopes');
  return list.map((one): { server: ServerName; envelope: Envelope } => ({ server: source, envelope: parseEnvelope(one) }));
}
