/**
 * What an operator may want to know of a running bridge, in one object: `GET /status` on the appservice listener, for whoever holds the
 * registration's hs_token, and the same numbers as gauges. Names peers' servers, and nothing of members.
 */
import type { RequestListener } from 'node:http';
import { equal, utf8 } from '../bytes.ts';
import type { PeerState } from '../routing/ports.ts';
import { answer } from './health.ts';

export const STATUS_PATH = '/status';

export interface HomeserverStatus {
  readonly url: string;
  /** `Synapse/1.163.2`; `unknown` before it has answered, or where it does not tell. */
  readonly software: string;
  /** How the bridge user's inbox is read: `as_token`, `login`, or `unknown` before it was tried. */
  readonly way: string;
  /** A message of the bridge to itself came back by this way. */
  readonly proven: boolean;
  /** The bridge user has a display name, by which others wake federation. */
  readonly named: boolean;
  /** Whether the homeserver reaches the bridge, for the admin room: `yes`, `no` or `unknown`. */
  readonly callsBack: string;
  /** It brings messages. */
  readonly ready: boolean;
  /** Since its last answer; absent before the first. */
  readonly lastSyncAgeMs?: number;
  /** How long the latest message to itself took; absent before the first. */
  readonly lagMs?: number;
}

export interface Status {
  readonly version: string;
  readonly server: string;
  readonly uptimeMs: number;
  readonly homeserver: HomeserverStatus;
  /** Name → how many: sockets, queues, and what is remembered. The gauges of /metrics have the same names. */
  readonly counts: Readonly<Record<string, number>>;
  readonly peers: readonly PeerState[];
}

export interface StatusOptions {
  readonly hsToken: string;
  readonly read: () => Promise<Status>;
}

/** Answers its one path and hands everything else on. */
export function withStatus({ hsToken, read }: StatusOptions, rest: RequestListener): RequestListener {
  const expected = utf8(`Bearer ${hsToken}`);
  return (request, response) => {
    if (request.method !== 'GET' || request.url !== STATUS_PATH) return rest(request, response);
    if (!equal(utf8(request.headers.authorization ?? ''), expected))
      return answer(response, 401, { error: 'no token, or a wrong one' });
    read().then(
      (status) => answer(response, 200, status),
      () => answer(response, 500, { error: 'the database does not answer' }),
    );
  };
}

/** For the gauges: all numbers of a status that have one value. */
export function gaugesOf({
  uptimeMs,
  homeserver: { ready, lagMs, lastSyncAgeMs },
  counts,
}: Status): Readonly<Record<string, number>> {
  return {
    uptime_ms: uptimeMs,
    homeserver_ready: ready ? 1 : 0,
    ...(lagMs === undefined ? {} : { homeserver_lag_ms: lagMs }),
    ...(lastSyncAgeMs === undefined ? {} : { homeserver_last_sync_age_ms: lastSyncAgeMs }),
    ...counts,
  };
}
