/** Members: who there is, who may come in, who may not any more. */
import { z } from 'zod';
import { VollyError } from '../../../errors.ts';
import { type Localpart, memberId } from '../../../ids.ts';
import { operation } from '../operation.ts';
import { done, limit, localpartIn, member, memberName, nothing, time } from '../params.ts';
import type { MakerPorts } from '../ports.ts';
import { day, moment, table } from '../text.ts';
import { deviceRow, devicesOf, deviceTable } from './device-rows.ts';

const row = z.strictObject({
  member: memberName,
  kind: z.enum(['enhanced', 'legacy']).meta({ description: '`legacy`: the app cannot encrypt, the bridge does it.' }),
  createdAt: time.optional().meta({ description: 'Unix ms; absent for who came before this was kept.' }),
  suspendedAt: time.optional().meta({ description: 'Since when, Unix ms; absent for who is not.' }),
});
const cells = (one: z.output<typeof row>): readonly string[] => [
  one.member,
  one.kind,
  day(one.createdAt),
  one.suspendedAt === undefined ? '-' : moment(one.suspendedAt),
];
const HEAD = ['MEMBER', 'KIND', 'SINCE', 'SUSPENDED'];
const one = z.strictObject({ member });

async function existing({ server, stores }: MakerPorts, text: string): Promise<Localpart> {
  const localpart = localpartIn(server, text);
  if ((await stores.members.kind(localpart)) === undefined) throw new VollyError('unknown_member');
  return localpart;
}

export const memberList = operation({
  name: 'member list',
  method: 'GET',
  path: '/members',
  summary: 'list the members of this community',
  changes: false,
  params: nothing.extend({
    limit,
    after: z.string().max(64).default('').meta({ description: 'Only names behind this one: `next` of the page before.' }),
  }),
  result: z.strictObject({
    members: z.array(row),
    next: z.string().optional().meta({ description: 'There are more behind this name.' }),
  }),
  errors: [],
  perform: async ({ stores }, params) => {
    const rows = await stores.roll.page(params.after, params.limit + 1);
    const members = rows.slice(0, params.limit);
    return { members, ...(rows.length > members.length ? { next: members.at(-1)!.member } : {}) };
  },
  text: ({ members, next }) =>
    `${table(HEAD, members.map(cells), 'No members.')}${next === undefined ? '' : `\nmore: --after ${next}`}`,
});

export const memberShow = operation({
  name: 'member show',
  method: 'GET',
  path: '/members/{member}',
  summary: 'show a member with its devices',
  changes: false,
  params: one,
  result: row.extend({ devices: z.array(deviceRow) }),
  errors: ['unknown_member'],
  perform: async (ports, params) => {
    const localpart = await existing(ports, params.member);
    const found = (await ports.stores.roll.find(localpart))!;
    return { ...found, devices: devicesOf(ports, found) };
  },
  text: ({ devices, ...found }) => `${table(HEAD, [cells(found)], '')}\n\n${deviceTable(devices)}`,
});

export const memberSuspend = operation({
  name: 'member suspend',
  method: 'POST',
  path: '/members/{member}/suspend',
  summary: 'let no app of this member in, until it is taken back',
  notes:
    'Its connections end at once (`suspended`) and new ones are refused. To everybody else the member is as one who does not exist (`unknown_member`). Media that flow between two apps do not pass the bridge: a call under way ends with its next message.',
  changes: true,
  params: one,
  result: done,
  errors: ['unknown_member'],
  perform: async (ports, params) => {
    const localpart = await existing(ports, params.member);
    const changed = (await ports.stores.members.active(localpart)) !== undefined;
    if (changed) await ports.stores.roll.suspend(localpart, ports.clock.now());
    await ports.endMember(memberId(localpart, ports.server), 'suspended');
    return { changed };
  },
  text: ({ changed }) => (changed ? 'Suspended.' : 'It was suspended already.'),
});

export const memberResume = operation({
  name: 'member resume',
  method: 'POST',
  path: '/members/{member}/resume',
  summary: 'let a suspended member in again',
  changes: true,
  params: one,
  result: done,
  errors: ['unknown_member'],
  perform: async (ports, params) => {
    const localpart = await existing(ports, params.member);
    const changed = (await ports.stores.members.active(localpart)) === undefined;
    if (changed) await ports.stores.roll.suspend(localpart, undefined);
    return { changed };
  },
  text: ({ changed }) => (changed ? 'No longer suspended; its apps come in when they connect again.' : 'It was not suspended.'),
});

export const memberRemove = operation({
  name: 'member remove',
  method: 'DELETE',
  path: '/members/{member}',
  summary: 'remove a member with keys, ghost and data',
  notes:
    'Its connections end (`not_enrolled`). Device list, bundles, invites, tickets, waiting messages and whatever else the database holds of it go; its ghost is deactivated on the homeserver. What stays is a hash of the name, so that nobody inherits it.',
  changes: true,
  asks: 'Everything of this member is deleted, and the name can never be used again.',
  params: one,
  result: z.strictObject({
    ghost: z
      .enum(['gone', 'waiting'])
      .meta({ description: '`waiting`: the homeserver does not answer now; the bridge goes on trying.' }),
  }),
  errors: ['unknown_member'],
  perform: async (ports, params) => {
    const localpart = await existing(ports, params.member);
    const address = memberId(localpart, ports.server);
    // First nobody comes in any more: what would be written meanwhile would stay.
    await ports.stores.roll.suspend(localpart, ports.clock.now());
    await ports.endMember(address, 'not_enrolled');
    await ports.forget(address);
    // Whom another admin's `member resume` has let in meanwhile.
    await ports.endMember(address, 'not_enrolled');
    return { ghost: await ports.endGhost(address) };
  },
  text: ({ ghost }) =>
    ghost === 'gone'
      ? 'Removed, and its ghost on the homeserver is deactivated.'
      : 'Removed. The homeserver does not answer; the ghost goes when it does.',
});
