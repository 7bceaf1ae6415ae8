/** A member's devices, as they are shown. */
import { z } from 'zod';
import { deviceAddress, memberId } from '../../../ids.ts';
import type { MemberRow, RollDevice } from '../../../storage/types.ts';
import { time } from '../params.ts';
import type { AdminPorts } from '../ports.ts';
import { day, moment, table } from '../text.ts';

export const deviceRow = z.strictObject({
  device: z.string(),
  online: z.boolean(),
  published: z.boolean().meta({ description: 'Its keys are on the shelf: it can be called.' }),
  barredAt: time.optional().meta({ description: 'Since when `device remove` shuts it out, Unix ms.' }),
  seenOn: time.optional().meta({ description: 'The day on which it was last seen, Unix ms of its beginning in UTC.' }),
});

export const devicesOf = (
  { server, isOnline }: AdminPorts,
  { member, devices }: MemberRow & { readonly devices: readonly RollDevice[] },
): z.output<typeof deviceRow>[] =>
  devices.map((one) => ({ ...one, online: isOnline(deviceAddress(memberId(member, server), one.device)) }));

export const deviceTable = (devices: readonly z.output<typeof deviceRow>[]): string =>
  table(
    ['DEVICE', 'STATE', 'CAN BE CALLED', 'LAST SEEN'],
    devices.map((one) => [
      one.device,
      one.barredAt !== undefined ? `removed ${moment(one.barredAt)}` : one.online ? 'online' : 'offline',
      one.published ? 'yes' : 'no',
      one.online ? 'now' : day(one.seenOn),
    ]),
    'No devices.',
  );
