import { equal, toHex } from '../../bytes.ts';
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import type { DeviceId, Localpart } from '../../ids.ts';
import { heldName } from '../held-name.ts';
import type { DeviceRow, MemberStore } from '../types.ts';

interface Member {
  readonly kind: 'enhanced' | 'legacy';
  readonly createdAt: number;
  suspendedAt?: number | undefined;
  list?: { version: number; hash: Uint8Array; bytes: Uint8Array };
  devices: readonly DeviceRow[];
  readonly bundles: Map<DeviceId, Uint8Array>;
  /** By device: the barred key. */
  readonly barred: Map<DeviceId, { readonly key: Uint8Array; readonly at: number }>;
  readonly seenOn: Map<DeviceId, number>;
}

/** What the stores of members and of the operator's roll share. */
export interface MemberTable {
  readonly members: Map<Localpart, Member>;
  /** Hashes of names that removed members had. */
  readonly held: Set<string>;
  readonly leaving: Set<Localpart>;
}

export const memberTable = (): MemberTable => ({ members: new Map(), held: new Set(), leaving: new Set() });
export const heldKey = (member: Localpart): string => toHex(heldName(member));

export function existing({ members }: MemberTable, member: Localpart): Member {
  const found = members.get(member);
  if (!found) throw new VollyError('unknown_member');
  return found;
}

const byDevice = (a: { device: DeviceId }, b: { device: DeviceId }): number => (a.device < b.device ? -1 : 1);

export function memberStore(table: MemberTable, clock: Pick<Clock, 'now'>): MemberStore {
  const { members, held } = table;
  return {
    async add(member, kind) {
      if (members.has(member) || held.has(heldKey(member))) return false;
      const own = { devices: [], bundles: new Map(), barred: new Map(), seenOn: new Map() };
      members.set(member, { kind, createdAt: clock.now(), ...own });
      return true;
    },
    kind: async (member) => members.get(member)?.kind,
    async active(member) {
      const found = members.get(member);
      return found?.suspendedAt === undefined ? found?.kind : undefined;
    },
    async admits(member, device, key) {
      const found = members.get(member);
      if (!found) return 'unknown';
      if (found.suspendedAt !== undefined) return 'suspended';
      const barred = found.barred.get(device);
      return barred && equal(barred.key, key) ? 'barred' : 'yes';
    },
    members: async () => [...members.keys()].sort(),
    async setList(name, { devices, ...list }) {
      const member = existing(table, name);
      if (member.list && list.version <= member.list.version) {
        if (list.version === member.list.version && equal(list.hash, member.list.hash)) return;
        throw new VollyError('stale_list');
      }
      member.list = list;
      member.devices = [...devices].sort(byDevice);
      const listed = (device: DeviceId) => devices.find((row) => row.device === device);
      for (const device of member.bundles.keys()) if (!listed(device)) member.bundles.delete(device);
      for (const device of member.seenOn.keys()) if (!listed(device)) member.seenOn.delete(device);
      for (const [device, { key }] of member.barred)
        if (!equal(listed(device)?.key ?? new Uint8Array(0), key)) member.barred.delete(device);
    },
    list: async (member) => members.get(member)?.list,
    async devices(member) {
      const found = members.get(member);
      return found?.devices.filter(({ device }) => !found.barred.has(device)) ?? [];
    },
    publish: async (member, device, bundle) => void existing(table, member).bundles.set(device, bundle),
    bundles: async (member) =>
      [...(members.get(member)?.bundles ?? [])].map(([device, bundle]) => ({ device, bundle })).sort(byDevice),
  };
}
