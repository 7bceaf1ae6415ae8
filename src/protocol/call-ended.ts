/** Ids of calls that ended here: what still arrives for them is dropped for 5 minutes (PROTOCOL.md section 11). Pure: time is a parameter. */
import type { CallId } from '../ids.ts';
import { LIMITS } from '../limits.ts';

/** Call id → until when, oldest first. */
export type EndedCalls = ReadonlyMap<CallId, number>;

export function markEnded(ended: EndedCalls, ids: readonly CallId[], now: number): EndedCalls {
  const next = new Map([...ended].filter(([, until]) => until > now));
  for (const id of ids) next.set(id, now + LIMITS.endedMs);
  return next;
}

export const hasEnded = (ended: EndedCalls, id: CallId, now: number): boolean =>
  (ended.get(id) ?? Number.NEGATIVE_INFINITY) > now;
