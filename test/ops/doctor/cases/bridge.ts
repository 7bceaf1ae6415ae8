/** The running bridge, and its ports. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VollyError } from '../../../../src/errors.ts';
import { parseServerName } from '../../../../src/ids.ts';
import type { PeerState } from '../../../../src/routing/ports.ts';
import { type Case, elsewhere } from '../case.ts';

const page = (_: unknown, response: { end(text: string): unknown }): void => void response.end('another');
const peerState = (over: Partial<PeerState>): PeerState => ({
  ...{ server: parseServerName('iris.example'), state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 },
  ...over,
});

export const BRIDGE: readonly Case[] = [
  { name: 'no bridge that runs', breaks: () => {}, names: [] },
  { name: 'a bridge that hangs', breaks: (w) => w.lay({ isHeld: () => true }), names: ['bridge:database_held'] },
  {
    name: 'a bridge that runs with another configuration',
    breaks: (w) => w.listen('another'),
    names: ['bridge:bridge_of_other_config'],
  },
  {
    name: 'an admin token that is none',
    breaks: (w) => writeFileSync(join(w.dir, 'data/admin.token'), 'token', { mode: 0o600 }),
    names: ['bridge:admin_token_unusable'],
  },
  {
    name: 'an admin token for everybody to read',
    breaks: (w) => writeFileSync(join(w.dir, 'data/admin.token'), 'x'.repeat(43), { mode: 0o644 }),
    names: ['permissions:readable_by_others'],
  },
  {
    name: 'a bridge whose database fails',
    breaks: (w) => w.lay({ askStatus: () => Promise.reject(new VollyError('database')) }),
    names: ['bridge:bridge_database_fails'],
  },
  {
    name: 'a bridge that was not started since the upgrade',
    breaks: (w) => w.say({ version: '1.0.0' }),
    names: ['bridge:bridge_outdated'],
    ...{ runs: true, isOpen: true },
  },
  {
    name: 'a port for the homeserver that another program has',
    breaks: (w) => elsewhere(w, page, w.ports.appservice),
    names: ['ports:port_taken'],
  },
  {
    name: 'a port for apps that another program has',
    breaks: (w) => elsewhere(w, page, w.ports.gateway),
    names: ['ports:port_taken'],
  },
  {
    name: 'an address to listen on that is not this machine’s',
    breaks: (w) => w.configure({ gateway: { listen: { host: '192.0.2.1', port: w.ports.gateway } } }),
    names: ['ports:address_unusable'],
  },
  ...(
    [
      {
        name: 'a bridge that has received nothing for long',
        breaks: (w) => w.say({}, { lastSyncAgeMs: 90_000 }),
        names: ['receiving:not_receiving'],
      },
      {
        name: 'a homeserver that is slow to bring messages',
        breaks: (w) => w.say({}, { lagMs: 5_000 }),
        names: ['receiving:slow_homeserver'],
      },
      {
        name: 'a bridge user without a name',
        breaks: (w) => w.say({}, { named: false }),
        names: ['bridge_user:bridge_user_nameless'],
      },
      {
        name: 'a peer that is away',
        breaks: (w) => w.say({ peers: [peerState({ state: 'unreachable', waiting: 3 })] }),
        names: ['peers:peers_waiting'],
      },
      {
        name: 'a peer whose clock is off',
        breaks: (w) => w.say({ peers: [peerState({ skewMs: 60_000 })] }),
        names: ['peers:peer_clock'],
      },
    ] satisfies readonly Case[]
  ).map((one) => ({ ...one, runs: true, isOpen: true })),
];
