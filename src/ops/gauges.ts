/** The numbers of a status as gauges. */
import type { PeerState } from '../routing/ports.ts';
import type { Values } from './metrics.ts';
import type { Status } from './status.ts';

const seconds = (ms: number | undefined): number => (ms === undefined ? Number.NaN : ms / 1_000);
const CALLS_BACK: Readonly<Record<string, number>> = { yes: 1, no: 0 };
const STATES = ['ok', 'waiting', 'unreachable', 'silent'] as const satisfies readonly PeerState['state'][];

export function gaugesOf({ homeserver, counts, peers }: Status): Values {
  const count = (name: string): number => counts[name] ?? 0;
  const inState = (wanted: PeerState['state']): number => peers.filter(({ state }) => state === wanted).length;
  return {
    homeserver_calls_back: CALLS_BACK[homeserver.callsBack] ?? Number.NaN,
    homeserver_lag_seconds: seconds(homeserver.lagMs),
    homeserver_last_answer_age_seconds: seconds(homeserver.lastSyncAgeMs),
    gateway_sockets: count('gateway_sockets'),
    devices_online: count('devices_online'),
    journal_entries: count('journal'),
    quarantine_entries: count('quarantine'),
    outbox_envelopes: count('outbox'),
    outbox_bytes: count('outbox_bytes'),
    outbox_oldest_seconds: seconds(Math.max(0, ...peers.map(({ oldestMs }) => oldestMs))),
    inbox_envelopes: count('inbox'),
    ids_remembered: count('seen'),
    acks_pending: count('acks'),
    peers: Object.fromEntries(STATES.map((state) => [state, inState(state)])),
  };
}
