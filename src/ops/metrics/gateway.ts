/** Metrics of the members' side. */
import { TYPES } from './calls.ts';
import { CODES, counter, gauge, type Section } from './metric.ts';

/** Frames of legacy apps, and what else is done for a line. */
const LEGACY_WORK = [
  ...['offer', 'answer', 'candidate', 'hangup', 'candidates', 'ice', 'backlog', 'ring', 'join', 'leave', 'stop', 'refetch'],
  ...['credential', 'mailbox', 'under way', 'upgrade'],
];

export const GATEWAY: Section = {
  title: 'Members’ apps',
  metrics: {
    gateway_sockets: gauge('Connections of the gateway’s listener.', 'docs/LIMITS.md has how many there may be.'),
    devices_online: gauge(
      'Devices that are connected and have proven who they are.',
      'Falls to 0: apps cannot reach the gateway.',
    ),
    gateway_handshakes: counter(
      'Handshakes with apps, by result: `full`, `resumed`, or the code of their failure.',
      'Failures that rise against the others: an app with a fault, or somebody who tries.',
      { result: ['full', 'resumed', ...CODES] },
    ),
    gateway_refused: counter(
      'Sockets turned away at the door.',
      '`429`: too many from one address; behind a proxy that is not in `gateway.trusted_proxies` that is all of them. `503`: too many in all. `silent`: dropped for others.',
      { status: ['429', '503', 'silent'] },
    ),
    gateway_closed: counter('Connections of apps that ended, by the reason.', 'Which limits or faults apps run into.', {
      code: CODES,
    }),
    gateway_frames_refused: counter('Frames of apps that were refused.', 'Which limits or faults apps run into.', {
      code: CODES,
    }),
    legacy_refused: counter('What was refused to legacy apps, or of theirs.', 'Which limits or faults legacy apps run into.', {
      type: [...TYPES, ...LEGACY_WORK],
      code: CODES,
    }),
    legacy_turned_away: counter('Legacy sockets turned away at the door.', '`401`: a wrong or ended credential.', {
      status: ['401', '429', '503'],
    }),
  },
};
