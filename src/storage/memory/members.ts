import { equal } from '../../bytes.ts';
import { VollyError } from '../../errors.ts';
import type { DeviceId, Localpart } from '../../ids.ts';
import type { DeviceRow, MemberStore } from '../types.ts';

interface Member {
  readonly kind: 'enhanced' | 'legacy';
  list?: { version: number; hash: Uint8Array; bytes: Uint8Array };
  devices: readonly DeviceRow[];
  readonly bundles: Map<DeviceId, Uint8Array>;
}

const byDevice = (a: { device: DeviceId }, b: { device: DeviceId }): number => (a.device < b.device ? -1 : 1);

export function memberStore(): MemberStore {
  const members = new Map<Localpart, Member>();
  const existing = (member: Localpart): Member => {
    const found = members.get(member);
    if (!found) throw new VollyError('unknown_member');
    return found;
  };
  return {
    async add(member, kind) {
      if (members.has(member)) return false;
      members.set(member, { kind, devices: [], bundles: new Map() });
      return true;
    },
    kind: async (member) => members.get(member)?.kind,
    members: async () => [...members.keys()].sort(),
    async setList(name, { devices, ...list }) {
      const member = existing(name);
      if (member.list && list.version <= member.list.version) {
        if (list.version === member.list.version && equal(list.hash, member.list.hash)) return;
        throw new VollyError('stale_list');
      }
      member.list = list;
      member.devices = [...devices].sort(byDevice);
      for (const device of member.bundles.keys())
        if (!devices.some((row) => row.device === device)) member.bundles.delete(device);
    },
    list: async (member) => members.get(member)?.list,
    devices: async (member) => members.get(member)?.devices ?? [],
    publish: async (member, device, bundle) => void existing(member).bundles.set(device, bundle),
    bundles: async (member) =>
      [...(members.get(member)?.bundles ?? [])].map(([device, bundle]) => ({ device, bundle })).sort(byDevice),
  };
}
