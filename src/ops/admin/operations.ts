/** All that an operator can do with a running bridge, in the order of `--help` and of the API's document. */
import type { Operation } from './operation.ts';
import { deviceAllow, deviceList, deviceRemove } from './operations/devices.ts';
import { memberInvite, memberInvites, memberLegacy, memberRevoke } from './operations/invites.ts';
import { memberList, memberRemove, memberResume, memberShow, memberSuspend } from './operations/members.ts';
import { peerAllow, peerBlock, peerList, peerShow, peerWake } from './operations/peers.ts';
import { quarantineClear, quarantineDrop, quarantineList, quarantineRelease, quarantineShow } from './operations/quarantine.ts';
import { status } from './operations/status.ts';

export const OPERATIONS: readonly Operation[] = [
  status,
  memberList,
  memberShow,
  memberInvite,
  memberLegacy,
  memberInvites,
  memberRevoke,
  memberSuspend,
  memberResume,
  memberRemove,
  deviceList,
  deviceRemove,
  deviceAllow,
  peerList,
  peerShow,
  peerBlock,
  peerAllow,
  peerWake,
  quarantineList,
  quarantineShow,
  quarantineRelease,
  quarantineDrop,
  quarantineClear,
];

/** What the first words of a command belong to, for `--help`. */
export const GROUPS: Readonly<Record<string, string>> = {
  member: 'members of this community',
  device: 'devices of a member',
  peer: 'other communities',
  quarantine: 'what other bridges sent and this one refused',
};
