/** What lets an app in. */
import { z } from 'zod';
import { toHex } from '../../../bytes.ts';
import { VollyError } from '../../../errors.ts';
import type { Localpart } from '../../../ids.ts';
import type { InviteRow } from '../../../storage/types.ts';
import { offlineOperation, operation } from '../operation.ts';
import { done, localpartIn, member, memberName, nothing, time } from '../params.ts';
import type { MakerPorts } from '../ports.ts';
import { moment, table } from '../text.ts';

const one = z.strictObject({ member });
/** 64 bits of the hash of an invite's token: enough to name one, nothing to guess the token by. */
const ID_CHARACTERS = 16;
const idOf = ({ hash }: InviteRow): string => toHex(hash).slice(0, ID_CHARACTERS);

async function unheld({ server, stores }: MakerPorts, text: string): Promise<Localpart> {
  const localpart = localpartIn(server, text);
  if (await stores.roll.isHeld(localpart)) throw new VollyError('name_held');
  return localpart;
}

export const memberInvite = offlineOperation({
  name: 'member invite',
  method: 'POST',
  path: '/members/{member}/invites',
  summary: 'make an invite that lets one app enrol as this member',
  notes:
    'The link is the only copy of what lets in: give it to the member by a way that others do not read. It serves once, within 7 days.',
  changes: true,
  params: one,
  result: z.strictObject({ member: memberName, link: z.string(), expires: time }),
  errors: ['bad_address', 'unknown_member', 'name_held'],
  perform: async (ports, params) => {
    const localpart = await unheld(ports, params.member);
    return { member: localpart, ...(await ports.makeInvite(localpart)) };
  },
  text: ({ link }) => link,
});

export const memberLegacy = offlineOperation({
  name: 'member legacy',
  method: 'POST',
  path: '/members/{member}/credential',
  summary: 'make the credential of a member whose app cannot encrypt; one made before ends',
  changes: true,
  params: one,
  result: z.strictObject({ member: memberName, credential: z.string() }),
  errors: ['bad_address', 'unknown_member', 'legacy_disabled', 'name_taken', 'name_held'],
  perform: async (ports, params) => {
    const localpart = await unheld(ports, params.member);
    return { member: localpart, credential: await ports.makeCredential(localpart) };
  },
  text: ({ credential }) => credential,
});

export const memberInvites = operation({
  name: 'member invites',
  method: 'GET',
  path: '/invites',
  summary: 'list the invites that nobody has used yet',
  changes: false,
  params: nothing,
  result: z.strictObject({
    invites: z.array(z.strictObject({ id: z.string(), member: memberName, expires: time })),
  }),
  errors: [],
  perform: async ({ stores, clock }) => ({
    invites: (await stores.invites.all(clock.now())).map((row) => ({ id: idOf(row), member: row.member, expires: row.expires })),
  }),
  text: ({ invites }) =>
    table(
      ['INVITE', 'MEMBER', 'UNTIL'],
      invites.map((row) => [row.id, row.member, moment(row.expires)]),
      'No open invites.',
    ),
});

export const memberRevoke = operation({
  name: 'member revoke',
  method: 'DELETE',
  path: '/invites/{invite}',
  summary: 'take an invite back that nobody has used yet',
  changes: true,
  params: z.strictObject({
    invite: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .meta({ description: 'Its id in `member invites`.' }),
  }),
  result: done,
  errors: ['not_found'],
  perform: async ({ stores, clock }, params) => {
    const row = (await stores.invites.all(clock.now())).find((each) => idOf(each) === params.invite);
    if (!row || !(await stores.invites.revoke(row.hash))) throw new VollyError('not_found', 'invite');
    return { changed: true };
  },
  text: () => 'Revoked.',
});
