/** Other communities, and TURN. */
import { VollyError } from '../../../../src/errors.ts';
import type { ServerCertificate } from '../../../support/homeserver/certificates.ts';
import { HOST } from '../../../support/homeserver/ports.ts';
import { TurnServer } from '../../../support/turn-server.ts';
import { type Case, NOWHERE } from '../case.ts';
import type { World } from '../world.ts';

const IRIS = 'iris.example';
/** Where nobody listens. */
const NOBODY = `turn:${HOST}:1`;

/** Under a server name whose federation has this certificate. */
async function federateWith(world: World, certificate: ServerCertificate): Promise<void> {
  const { serverName } = await world.another(certificate);
  world.homeserver.serverName = serverName;
  world.configure({ homeserver: { server_name: serverName } });
  world.register({});
}

async function turnOfAnotherName(world: World): Promise<void> {
  const server = await TurnServer.start(world.authority.issue({ host: IRIS }));
  world.end(() => server.stop());
  world.tellTurn([server.uris.tls]);
}

export const FEDERATION: readonly Case[] = [
  { name: 'no federation from here', breaks: (w) => w.homeserver.stopFederation(), names: ['federation:federation_unreachable'] },
  {
    name: 'a server name that leads elsewhere',
    breaks(w) {
      w.homeserver.federationName = IRIS;
    },
    names: ['federation:federation_leads_elsewhere'],
  },
  {
    name: 'a federation whose certificate has expired',
    breaks: (w) => federateWith(w, w.authority.issue({ days: -1 })),
    names: ['federation:certificate_expired'],
  },
  {
    name: 'a federation whose certificate ends in a week',
    breaks: (w) => federateWith(w, w.authority.issue({ days: 7 })),
    names: ['federation:certificate_ends_soon'],
  },
  { name: 'a look at the own community as a peer', breaks: (w) => [w.server], names: [], peers: 'told' },
  {
    name: 'a peer that policy denies',
    breaks: (w) => w.configure({ policy: { deny: ['*.example'] } }),
    names: ['peer:peer_denied'],
    peers: [IRIS],
  },
  { name: 'a peer that nobody reaches', breaks: () => {}, names: ['peer:peer_unreachable'], peers: ['localhost:1'] },
  {
    name: 'a peer that our homeserver has given up for now',
    async breaks(w) {
      const { serverName } = await w.another(w.authority.issue());
      return [serverName];
    },
    names: ['peer:peer_backed_off'],
    peers: 'told',
  },
  {
    name: 'a peer without a bridge',
    breaks: (w) => w.homeserver.peers.set(IRIS, 'no bridge'),
    names: ['peer_bridge:peer_without_bridge'],
    peers: [IRIS],
  },
  {
    name: 'a peer whose bridge is silent',
    breaks(w) {
      w.homeserver.peers.set(IRIS, 'bridge');
      w.lay({ returnMs: 100 });
    },
    names: ['peer_bridge:peer_silent'],
    peers: [IRIS],
    ...{ runs: true, isOpen: true },
  },
  {
    name: 'a peer that the running bridge blocks',
    breaks(w) {
      w.homeserver.peers.set(IRIS, 'bridge');
      w.lay({ wakePeer: () => Promise.reject(new VollyError('denied_by_policy')) });
    },
    names: ['peer_bridge:peer_denied'],
    peers: [IRIS],
    ...{ runs: true, isOpen: true },
  },
  {
    name: 'no TURN',
    breaks(w) {
      w.homeserver.turn = {};
    },
    names: ['turn:turn_missing'],
  },
  {
    name: 'a homeserver that does not tell its TURN servers',
    breaks: (w) => w.answer((path) => (path.includes('/voip/') ? [403, { errcode: 'M_FORBIDDEN' }] : undefined)),
    names: ['turn:turn_not_told'],
  },
  {
    name: 'another TURN secret',
    breaks: (w) => w.tellTurn(Object.values(w.turn.uris), 'other'),
    names: ['turn:turn_secret_differs'],
  },
  {
    name: 'another TURN secret, beside an address that does not work',
    breaks: (w) => w.tellTurn([NOBODY, w.turn.uris.udp], 'other'),
    names: ['turn:turn_secret_differs'],
  },
  { name: 'a TURN server that is down', breaks: (w) => w.tellTurn([NOBODY]), names: ['turn:turn_unreachable'] },
  {
    name: 'a TURN server’s name that does not exist',
    breaks: (w) => w.tellTurn([`turn:${NOWHERE}`]),
    names: ['turn:turn_unreachable'],
  },
  {
    name: 'a TURN address that does not work, beside one that does',
    breaks: (w) => w.tellTurn([w.turn.uris.udp, NOBODY]),
    names: ['turn:turn_partly'],
  },
  {
    name: 'a TURN server over its quota',
    breaks(w) {
      w.turn.refusal = 486;
    },
    names: ['turn:turn_refused'],
  },
  {
    name: 'a TURN server with the certificate of another name',
    breaks: turnOfAnotherName,
    names: ['turn:certificate_of_other_name'],
  },
];
