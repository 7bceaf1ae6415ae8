import type { Database } from 'better-sqlite3';
import { equal } from '../../bytes.ts';
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import type { DeviceId, Localpart } from '../../ids.ts';
import { heldName } from '../held-name.ts';
import type { DeviceRow, MemberStore } from '../types.ts';
import type { Commits } from './commits.ts';

type Kind = 'enhanced' | 'legacy';
type List = { version: number; hash: Uint8Array; bytes: Uint8Array };

export function memberStore(db: Database, commits: Commits, clock: Pick<Clock, 'now'>): MemberStore {
  const add = db.prepare<[string, Kind, number]>('INSERT OR IGNORE INTO members (member, kind, created) VALUES (?, ?, ?)');
  const held = db.prepare<[Uint8Array]>('SELECT 1 FROM held_names WHERE hash = ?');
  const kind = db.prepare<[string], { kind: Kind }>('SELECT kind FROM members WHERE member = ?');
  const active = db.prepare<[string], { kind: Kind }>('SELECT kind FROM members WHERE member = ? AND suspended IS NULL');
  const standing = db.prepare<[string, Uint8Array, string], { suspended: number | null; barred: number | null }>(
    `SELECT suspended, at AS barred FROM members
       LEFT JOIN barred_devices ON barred_devices.member = members.member AND device = ? AND key = ? WHERE members.member = ?`,
  );
  const members = db.prepare<[], { member: Localpart }>('SELECT member FROM members ORDER BY member');
  const list = db.prepare<[string], List>('SELECT version, hash, bytes FROM lists WHERE member = ?');
  const setList = db.prepare<[string, number, Uint8Array, Uint8Array]>(
    'INSERT OR REPLACE INTO lists (member, version, hash, bytes) VALUES (?, ?, ?, ?)',
  );
  const clearDevices = db.prepare<[string]>('DELETE FROM devices WHERE member = ?');
  const addDevice = db.prepare<[string, string, Uint8Array]>('INSERT INTO devices (member, device, key) VALUES (?, ?, ?)');
  const dropBundles = db.prepare<[string, string]>(
    'DELETE FROM bundles WHERE member = ? AND device NOT IN (SELECT device FROM devices WHERE member = ?)',
  );
  const dropBars = db.prepare<[string]>(
    'DELETE FROM barred_devices WHERE member = ? AND (member, device, key) NOT IN (SELECT member, device, key FROM devices)',
  );
  const dropSeen = db.prepare<[string, string]>(
    'DELETE FROM seen_devices WHERE member = ? AND device NOT IN (SELECT device FROM devices WHERE member = ?)',
  );
  const devices = db.prepare<[string], DeviceRow>(
    `SELECT member, device, devices.key FROM devices LEFT JOIN barred_devices USING (member, device)
       WHERE member = ? AND at IS NULL ORDER BY device`,
  );
  const publish = db.prepare<[string, string, Uint8Array]>(
    'INSERT OR REPLACE INTO bundles (member, device, bundle) VALUES (?, ?, ?)',
  );
  const bundles = db.prepare<[string], { device: DeviceId; bundle: Uint8Array }>(
    'SELECT device, bundle FROM bundles WHERE member = ? ORDER BY device',
  );
  const mustExist = (member: Localpart): void => {
    if (!kind.get(member)) throw new VollyError('unknown_member');
  };

  return {
    add: (member, as) =>
      commits.change(() => held.get(heldName(member)) === undefined && add.run(member, as, clock.now()).changes > 0),
    kind: (member) => commits.read(() => kind.get(member)?.kind),
    active: (member) => commits.read(() => active.get(member)?.kind),
    admits: (member, device, key) =>
      commits.read(() => {
        const found = standing.get(device, key, member);
        if (!found) return 'unknown';
        if (found.suspended !== null) return 'suspended';
        return found.barred === null ? 'yes' : 'barred';
      }),
    members: () => commits.read(() => members.all().map((row) => row.member)),
    setList: (member, next) =>
      commits.change(() => {
        mustExist(member);
        const old = list.get(member);
        if (old && next.version <= old.version) {
          if (next.version === old.version && equal(next.hash, old.hash)) return;
          throw new VollyError('stale_list');
        }
        setList.run(member, next.version, next.hash, next.bytes);
        clearDevices.run(member);
        for (const row of next.devices) addDevice.run(member, row.device, row.key);
        dropBundles.run(member, member);
        dropBars.run(member);
        dropSeen.run(member, member);
      }),
    list: (member) => commits.read(() => list.get(member)),
    devices: (member) => commits.read(() => devices.all(member)),
    publish: (member, device, bundle) =>
      commits.change(() => {
        mustExist(member);
        publish.run(member, device, bundle);
      }),
    bundles: (member) => commits.read(() => bundles.all(member)),
  };
}
