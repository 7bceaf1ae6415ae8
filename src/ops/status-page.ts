/** A status as a page for a terminal. */
import type { PeerState } from '../routing/ports.ts';
import { bytes, duration } from './admin/text.ts';
import type { HomeserverStatus, Status } from './status.ts';

/** More peers than this are for `--json`. */
const PEERS_SHOWN = 50;
const COLUMN = 22;

export function statusPage({ version, server, uptimeMs, homeserver, counts, peers }: Status): string {
  const shown = peers.slice(0, PEERS_SHOWN);
  const more = peers.length - shown.length;
  return [
    `Volly bridge ${version} of ${server}, up ${duration(uptimeMs)}`,
    '',
    'Homeserver',
    ...homeserverLines(homeserver),
    '',
    'Counts',
    ...Object.entries(counts).map(([name, count]) =>
      line(name.replaceAll('_', ' '), /bytes$/.test(name) ? bytes(count) : String(count)),
    ),
    '',
    `Peers: ${peers.length === 0 ? 'none yet' : peers.length}`,
    ...shown.map(peerLine),
    ...(more > 0 ? [`  and ${more} more; --json shows all`] : []),
  ].join('\n');
}

const line = (name: string, text: string): string => `  ${name.padEnd(COLUMN)}${text}`;

function homeserverLines(home: HomeserverStatus): string[] {
  const { lagMs, lastSyncAgeMs } = home;
  const age = lastSyncAgeMs === undefined ? 'it has not answered yet' : `last answer ${duration(lastSyncAgeMs)} ago`;
  return [
    line('address', home.url),
    line('software', home.software),
    line('read by', `${home.way}${home.proven ? ', proven by a message to itself' : ', not proven yet'}`),
    line('receiving', `${home.ready ? 'yes' : 'NO'}; ${age}`),
    line('a message to itself', lagMs === undefined ? 'has not come back yet' : `takes ${lagMs} ms`),
    line('bridge user’s name', home.named ? 'set' : 'not set: healing after a cut is slower'),
    line('reaches this bridge', home.callsBack),
  ];
}

function peerLine({ server, state, waiting, bytes: size, oldestMs, heardAt, skewMs }: PeerState): string {
  const parts = [
    state,
    ...(waiting > 0 ? [`${waiting} waiting (${bytes(size)}, oldest ${duration(oldestMs)})`] : []),
    heardAt === undefined ? 'never heard' : `heard ${new Date(heardAt).toISOString().replace(/\.\d+Z/, 'Z')}`,
    ...(skewMs === undefined ? [] : [`clock ${skewMs >= 0 ? '+' : ''}${(skewMs / 1_000).toFixed(1)} s`]),
  ];
  return line(server, parts.join(', '));
}
