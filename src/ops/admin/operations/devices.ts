/** Devices of a member. Which ones there are is the member's own signed list, which a bridge cannot edit: it can only keep one out. */
import { z } from 'zod';
import { VollyError } from '../../../errors.ts';
import { deviceAddress, memberId } from '../../../ids.ts';
import { operation } from '../operation.ts';
import { device, deviceIn, done, localpartIn, member } from '../params.ts';
import type { AdminPorts } from '../ports.ts';
import { deviceRow, devicesOf, deviceTable } from './device-rows.ts';

const one = z.strictObject({ member, device });

/** Throws `unknown_member`, `not_found`. */
async function setBar(ports: AdminPorts, params: z.output<typeof one>, barred: boolean): Promise<{ changed: boolean }> {
  const { server, stores, clock } = ports;
  const [localpart, id] = [localpartIn(server, params.member), deviceIn(params.device)];
  const found = await stores.roll.find(localpart);
  if (!found) throw new VollyError('unknown_member');
  const row = found.devices.find((each) => each.device === id);
  if (!row || found.kind === 'legacy') throw new VollyError('not_found', 'device');
  const changed = (row.barredAt !== undefined) !== barred;
  const address = memberId(localpart, server);
  if (changed) await stores.roll.bar(address, id, barred ? clock.now() : undefined);
  if (barred) ports.endDevice(deviceAddress(address, id), 'not_enrolled');
  return { changed };
}

export const deviceList = operation({
  name: 'device list',
  method: 'GET',
  path: '/members/{member}/devices',
  summary: 'list the devices of a member',
  changes: false,
  params: z.strictObject({ member }),
  result: z.strictObject({ devices: z.array(deviceRow) }),
  errors: ['unknown_member'],
  perform: async (ports, params) => {
    const found = await ports.stores.roll.find(localpartIn(ports.server, params.member));
    if (!found) throw new VollyError('unknown_member');
    return { devices: devicesOf(ports, found) };
  },
  text: ({ devices }) => deviceTable(devices),
});

export const deviceRemove = operation({
  name: 'device remove',
  method: 'DELETE',
  path: '/members/{member}/devices/{device}',
  summary: 'keep a device of a member out, as one that was lost',
  notes:
    'Its connection ends (`not_enrolled`), its tickets, keys and waiting messages go, and nobody calls it. The member’s signed device list names it until the member’s first device removes it there. A device with another key is let in; whoever holds the member’s first device can make such a one, and `member suspend` is what keeps that out.',
  changes: true,
  params: one,
  result: done,
  errors: ['unknown_member', 'not_found'],
  perform: (ports, params) => setBar(ports, params, true),
  text: ({ changed }) =>
    changed
      ? 'The device is kept out. The member’s first device should remove it from the member’s list too.'
      : 'It was kept out already.',
});

export const deviceAllow = operation({
  name: 'device allow',
  method: 'POST',
  path: '/members/{member}/devices/{device}/allow',
  summary: 'let a device in again that was kept out',
  changes: true,
  params: one,
  result: done,
  errors: ['unknown_member', 'not_found'],
  perform: (ports, params) => setBar(ports, params, false),
  text: ({ changed }) => (changed ? 'The device may connect again.' : 'It was not kept out.'),
});
