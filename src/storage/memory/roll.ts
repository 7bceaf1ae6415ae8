import { type Localpart, localpartOf, type MemberId } from '../../ids.ts';
import { dayOf } from '../held-name.ts';
import type { MemberRow, RollDevice, RollStore } from '../types.ts';
import { existing, heldKey, type MemberTable } from './members.ts';

/** Each store forgets by itself what is a removed member's. */
export interface Forgetting {
  /** `isOwn` of an address: of the member or one of its devices. */
  forget(member: MemberId, isOwn: (address: string) => boolean, isOwnFact: (fact: string) => boolean): void;
  /** What is a barred device's. */
  forgetDevice(address: string): void;
}

export function rollStore(table: MemberTable, others: Forgetting): RollStore {
  const { members, held, leaving } = table;
  const rowOf = (member: Localpart): MemberRow => {
    const { kind, createdAt, suspendedAt } = existing(table, member);
    return { member, kind, createdAt, ...(suspendedAt === undefined ? {} : { suspendedAt }) };
  };
  const devicesOf = (member: Localpart): readonly RollDevice[] => {
    const { kind, devices, bundles, barred, seenOn } = existing(table, member);
    const listed = kind === 'legacy' ? [...seenOn.keys()] : devices.map(({ device }) => device);
    return listed.map((device) => {
      const [bar, day] = [barred.get(device), seenOn.get(device)];
      return {
        device,
        published: kind === 'legacy' || bundles.has(device),
        ...(bar ? { barredAt: bar.at } : {}),
        ...(day === undefined ? {} : { seenOn: day }),
      };
    });
  };

  return {
    page: async (after, limit) =>
      [...members.keys()]
        .filter((name) => name > after)
        .sort()
        .slice(0, limit)
        .map(rowOf),
    find: async (member) => (members.has(member) ? { ...rowOf(member), devices: devicesOf(member) } : undefined),
    async suspend(member, at) {
      existing(table, member).suspendedAt = at;
    },
    async bar(address, device, at) {
      const { devices, barred, bundles } = existing(table, localpartOf(address));
      if (at === undefined) return barred.delete(device);
      const row = devices.find((one) => one.device === device);
      if (!row) return false;
      barred.set(device, { key: row.key, at });
      bundles.delete(device);
      others.forgetDevice(`${address}/${device}`);
      return true;
    },
    seen: async (member, device, at) => void members.get(member)?.seenOn.set(device, dayOf(at)),
    async remove(member, _at, isOwnFact) {
      const localpart = localpartOf(member);
      existing(table, localpart);
      members.delete(localpart);
      others.forget(member, (address) => address === member || address.startsWith(`${member}/`), isOwnFact);
      held.add(heldKey(localpart));
      leaving.add(localpart);
    },
    isHeld: async (member) => held.has(heldKey(member)),
    leaving: async () => [...leaving].sort(),
    left: async (member) => void leaving.delete(member),
  };
}
