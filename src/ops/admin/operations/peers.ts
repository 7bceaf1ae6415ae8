/** Other communities: how they are, and whether messages are exchanged with them. */
import { z } from 'zod';
import { VollyError } from '../../../errors.ts';
import type { ServerName } from '../../../ids.ts';
import { operation } from '../operation.ts';
import { done, limit, nothing, server, serverIn, time } from '../params.ts';
import type { AdminPorts } from '../ports.ts';
import { bytes, duration, moment, table } from '../text.ts';
import { peerState } from './peer-state.ts';

const peer = peerState.extend({
  allowed: z.boolean().meta({ description: 'Configuration and `peer block` let messages pass.' }),
  blockedAt: time.optional().meta({ description: 'Since when `peer block` shuts it out, Unix ms.' }),
});
type Peer = z.output<typeof peer>;

const UNHEARD = { state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 } as const;

/** Those that something waits for first, then by when they were heard, then those that are only blocked. */
async function peersOf({ peers }: AdminPorts): Promise<readonly Peer[]> {
  const blocked = new Map((await peers.blocked()).map((one) => [one.server, one.at]));
  const known = peers.list();
  const named = new Set(known.map((one) => one.server));
  const others = [...blocked.keys()].filter((name) => !named.has(name)).map((name) => ({ server: name, ...UNHEARD }));
  return [...known, ...others].map((one) => {
    const blockedAt = blocked.get(one.server);
    return { ...one, allowed: peers.isAllowed(one.server), ...(blockedAt === undefined ? {} : { blockedAt }) };
  });
}

const row = (one: Peer): readonly string[] => [
  one.server,
  one.blockedAt !== undefined ? 'blocked' : one.allowed ? one.state : 'denied',
  one.waiting === 0 ? '-' : `${one.waiting} (${bytes(one.bytes)}, oldest ${duration(one.oldestMs)})`,
  moment(one.heardAt),
  one.skewMs === undefined ? '-' : `${one.skewMs >= 0 ? '+' : ''}${(one.skewMs / 1_000).toFixed(1)} s`,
];
const HEAD = ['SERVER', 'STATE', 'WAITING', 'LAST HEARD', 'CLOCK'];

const one = z.strictObject({ server });
/** A community cannot be told apart from itself. */
function other(ports: AdminPorts, text: string): ServerName {
  const name = serverIn(text);
  if (name === ports.server) throw new VollyError('bad_request', 'the own community is no peer');
  return name;
}

export const peerList = operation({
  name: 'peer list',
  method: 'GET',
  path: '/peers',
  summary: 'list the communities that this one talks to',
  changes: false,
  params: nothing.extend({ limit }),
  result: z.strictObject({ total: z.int(), peers: z.array(peer) }),
  errors: [],
  perform: async (ports, params) => {
    const all = await peersOf(ports);
    return { total: all.length, peers: all.slice(0, params.limit) };
  },
  text: ({ total, peers }) => {
    const more = total - peers.length;
    return `${table(HEAD, peers.map(row), 'No peers yet.')}${more > 0 ? `\nand ${more} more; --limit shows them` : ''}`;
  },
});

export const peerShow = operation({
  name: 'peer show',
  method: 'GET',
  path: '/peers/{server}',
  summary: 'show one community',
  changes: false,
  params: one,
  result: peer,
  errors: ['not_found'],
  perform: async (ports, params) => {
    const found = (await peersOf(ports)).find((each) => each.server === params.server);
    if (!found) throw new VollyError('not_found', 'peer');
    return found;
  },
  text: (found) => table(HEAD, [row(found)], ''),
});

export const peerBlock = operation({
  name: 'peer block',
  method: 'POST',
  path: '/peers/{server}/block',
  summary: 'exchange nothing with this community any more',
  notes: 'Kept over restarts, beside the configuration’s policy. What waits for the community ends at once (`unconfirmed`).',
  changes: true,
  params: one,
  result: done,
  errors: [],
  perform: async (ports, params) => ({ changed: await ports.peers.block(other(ports, params.server), true) }),
  text: ({ changed }) => (changed ? 'Blocked.' : 'It was blocked already.'),
});

export const peerAllow = operation({
  name: 'peer allow',
  method: 'POST',
  path: '/peers/{server}/allow',
  summary: 'take a block back',
  notes: 'What the configuration’s policy denies stays denied: `allowed` tells.',
  changes: true,
  params: one,
  result: done.extend({ allowed: z.boolean() }),
  errors: [],
  perform: async (ports, params) => {
    const name = other(ports, params.server);
    return { changed: await ports.peers.block(name, false), allowed: ports.peers.isAllowed(name) };
  },
  text: ({ changed, allowed }) =>
    `${changed ? 'No longer blocked.' : 'It was not blocked.'}${allowed ? '' : ' The configuration’s policy denies it still.'}`,
});

export const peerWake = operation({
  name: 'peer wake',
  method: 'POST',
  path: '/peers/{server}/wake',
  summary: 'try now to reach a community that does not answer',
  changes: true,
  params: one,
  result: z.strictObject({ answered: z.boolean() }),
  errors: ['denied_by_policy'],
  perform: async (ports, params) => {
    const name = other(ports, params.server);
    if (!ports.peers.isAllowed(name)) throw new VollyError('denied_by_policy');
    return { answered: await ports.peers.wake(name) };
  },
  text: ({ answered }) => (answered ? 'Its server answers; what waits is sent.' : 'Its server does not answer.'),
});
