/** What an operator may want to know of a running bridge, in one object. Names peers' servers, and nothing of members. */
import type { PeerState } from '../routing/ports.ts';

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
  /** Whether the homeserver reaches the bridge, for the admin room: `yes`, `no`, or `unknown` while it is away or has no way to tell. */
  readonly callsBack: string;
  /** It answers, and brings messages. */
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
  /** Name → how many: sockets, queues, and what is remembered. */
  readonly counts: Readonly<Record<string, number>>;
  readonly peers: readonly PeerState[];
}
