/**
 * Key queries that are out: a bundle counts only for one of them (R5) and only from whom it was asked (R9). PROTOCOL.md
 * section 6. Pure: state in, new state out.
 */
import type { Bytes } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import type { EnvelopeId, MemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from './envelope.ts';

interface Asked {
  readonly member: MemberId;
  /** On the clock of `now`: after it, what came is used. From the first bundle on it is at most LIMITS.bundleWaitMs away. */
  readonly until: number;
  /** How many devices the first answer announced. */
  readonly count?: number;
  /** Encoded, unchecked bundles by index. */
  readonly bundles: ReadonlyMap<number, Bytes>;
}

export type Requests = ReadonlyMap<EnvelopeId, Asked>;

export interface Answered {
  readonly request: EnvelopeId;
  readonly member: MemberId;
  /** For `checkBundle`; none = no such member or no device (`unknown_member`), or nothing came in time. */
  readonly bundles: readonly Bytes[];
  /** False where the time ran out first. */
  readonly complete: boolean;
}

/** `request` is fresh and random: nobody can answer what they have not seen asked. */
export const ask = (requests: Requests, request: EnvelopeId, member: MemberId, now: number): Requests =>
  new Map(requests).set(request, { member, until: now + LIMITS.keysWaitMs, bundles: new Map() });

/**
 * Takes in one answer; `answered` is there once all have come. Throws `forbidden_in_state` for a bundle nobody asked for,
 * `wrong_sender` for one of another member, `bad_encoding` where the answers contradict each other; nothing has changed then.
 */
export function answer(
  requests: Requests,
  envelope: EnvelopeOf<'app.volly.keys.bundle'>,
  now: number,
): { readonly requests: Requests; readonly answered?: Answered } {
  const { request, index, count, bundle } = envelope;
  const asked = requests.get(request);
  if (!asked || now > asked.until) throw new VollyError('forbidden_in_state', 'a bundle nobody asked for');
  if (envelope.from !== asked.member) throw new VollyError('wrong_sender', 'a bundle of another member');
  if (asked.count !== undefined && asked.count !== count) throw new VollyError('bad_encoding', 'count');
  if (count === 0 ? bundle !== undefined || index !== 0 : bundle === undefined || index >= count)
    throw new VollyError('bad_encoding', 'index');
  const bundles = new Map(asked.bundles);
  // The first of an index counts, so that a repeated one changes nothing.
  if (bundle && !bundles.has(index)) bundles.set(index, bundle);
  const next = new Map(requests);
  const until = asked.count === undefined ? Math.min(asked.until, now + LIMITS.bundleWaitMs) : asked.until;
  if (bundles.size < count) return { requests: next.set(request, { ...asked, until, count, bundles }) };
  next.delete(request);
  return { requests: next, answered: toAnswered(request, { ...asked, bundles }, true) };
}

/** Ends the requests whose time is over, with what came. */
export function expire(requests: Requests, now: number): { readonly requests: Requests; readonly answered: readonly Answered[] } {
  const over = [...requests].filter(([, asked]) => now > asked.until);
  if (over.length === 0) return { requests, answered: [] };
  const next = new Map(requests);
  for (const [request] of over) next.delete(request);
  return { requests: next, answered: over.map(([request, asked]) => toAnswered(request, asked, false)) };
}

const toAnswered = (request: EnvelopeId, { member, bundles }: Asked, complete: boolean): Answered => ({
  request,
  member,
  bundles: [...bundles].sort(([a], [b]) => a - b).map(([, bundle]) => bundle),
  complete,
});
