/** One request of the long poll. What is asked for, and what an answer must look like to be believed. */
import { LIMITS } from '../limits.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, parseObject } from './failure.ts';

/** Short against a dead connection that nothing announces: such a homeserver is noticed after POLL_MS + GRACE_MS. */
export const POLL_MS = 10_000;
const GRACE_MS = 10_000;

const nothing = { not_types: ['*'] };
const FILTER = JSON.stringify({ presence: nothing, account_data: nothing, room: { rooms: [], account_data: nothing } });

export interface SyncAnswer {
  /** As it came: what the journal keeps. */
  readonly raw: string;
  /** The `since` of the next request, which lets the homeserver forget this answer. */
  readonly position: string;
  /** To-device events; unchecked. */
  readonly events: readonly unknown[];
}

/**
 * Without `since` the homeserver answers at once with everything it has not been allowed to forget, and forgets nothing. With it, it may wait
 * `waitMs` for something to tell.
 * Throws HomeserverError, `too_large`, and `shutting_down` when `signal` aborts.
 */
export async function sync(
  client: HomeserverClient,
  since: string | undefined,
  signal: AbortSignal,
  waitMs = POLL_MS,
): Promise<SyncAnswer> {
  const raw = await client.request({
    method: 'GET',
    step: 'sync',
    path: '/_matrix/client/v3/sync',
    query: { filter: FILTER, set_presence: 'offline', ...(since === undefined ? fresh() : { since, timeout: String(waitMs) }) },
    timeoutMs: POLL_MS + GRACE_MS,
    maxBytes: LIMITS.syncBytes,
    as: 'device',
    signal,
  });
  return readSync(raw);
}

/**
 * Synapse repeats an answer without `since` from a cache for two minutes, and then each one after it, to whoever asks in the same words. Its
 * time-out counts for nothing there but makes the words differ.
 */
const fresh = (): Record<string, string> => ({ timeout: String(Math.floor(Math.random() * POLL_MS)) });

/** An answer that was cut short or is no answer must not move the position: it throws `homeserver_unreachable`. */
export function readSync(raw: string): SyncAnswer {
  const answer = parseObject(raw);
  const position = answer['next_batch'];
  if (typeof position !== 'string' || position === '')
    throw new HomeserverError('homeserver_unreachable', 'sync answered no next_batch');
  return { raw, position, events: toDeviceEvents(answer) };
}

/** Of an answer that is in the journal. Never throws. */
export const eventsIn = (raw: string): readonly unknown[] => toDeviceEvents(parseObject(raw));

function toDeviceEvents(answer: Record<string, unknown>): readonly unknown[] {
  const part = answer['to_device'];
  const events = typeof part === 'object' && part !== null ? (part as Record<string, unknown>)['events'] : undefined;
  return Array.isArray(events) ? events : [];
}
