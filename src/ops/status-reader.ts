/** Gathers a status from the parts of a running bridge. */
import type { Clock } from '../clock.ts';
import type { JunctionCounts, PeerState } from '../routing/ports.ts';
import type { QuarantineStore } from '../storage/types.ts';
import type { HomeserverStatus, Status } from './status.ts';

/** What is asked of each part; compose/ has the parts. */
export interface Parts {
  readonly version: string;
  readonly server: string;
  /** The homeserver's address. */
  readonly url: string;
  readonly clock: Clock;
  readonly receiver: {
    readonly state: {
      readonly ready: boolean;
      readonly lagMs: number | undefined;
      readonly lastSyncAt: number | undefined;
      readonly journaled: number;
    };
  };
  readonly access: { readonly state: Pick<HomeserverStatus, 'software' | 'way' | 'proven' | 'named'> | undefined };
  readonly pulse: { readonly state: { readonly answers: boolean; readonly callsBack: HomeserverStatus['callsBack'] } };
  readonly junction: { peers(): readonly PeerState[]; counts(): Promise<JunctionCounts> };
  readonly quarantine: Pick<QuarantineStore, 'count'>;
  /** Devices that are online. */
  readonly directory: { readonly size: number };
  /** The gateway's listener. */
  readonly sockets: { getConnections(callback: (error: Error | null, count: number) => void): void };
}

const NOT_ASKED_YET = { software: 'unknown', way: 'unknown', proven: false, named: false };

/** It answers, and brings messages. */
export const homeserverWorks = ({ receiver, pulse }: Pick<Parts, 'receiver' | 'pulse'>): boolean =>
  receiver.state.ready && pulse.state.answers;

/** The returned function throws `database`. Uptime counts from now. */
export function statusReader(parts: Parts): () => Promise<Status> {
  const { version, server, url, clock, receiver, access, junction, quarantine, directory } = parts;
  const startedAt = clock.monotonic();
  return async () => {
    const { lagMs, lastSyncAt, journaled } = receiver.state;
    const { outboxBytes, ...full } = await junction.counts();
    return {
      version,
      server,
      uptimeMs: Math.round(clock.monotonic() - startedAt),
      homeserver: {
        url,
        ...(access.state ?? NOT_ASKED_YET),
        callsBack: parts.pulse.state.callsBack,
        ready: homeserverWorks(parts),
        ...(lagMs === undefined ? {} : { lagMs }),
        ...(lastSyncAt === undefined ? {} : { lastSyncAgeMs: Math.max(0, clock.now() - lastSyncAt) }),
      },
      counts: {
        gateway_sockets: await connectionsOf(parts),
        devices_online: directory.size,
        journal: journaled,
        quarantine: await quarantine.count(),
        ...full,
        outbox_bytes: outboxBytes,
      },
      peers: junction.peers(),
    };
  };
}

const connectionsOf = ({ sockets }: Parts): Promise<number> =>
  new Promise((resolve) => sockets.getConnections((_error, count) => resolve(count ?? 0)));
