import type { Database } from 'better-sqlite3';
import { equal } from '../../bytes.ts';
import { VollyError } from '../../errors.ts';
import type { DeviceId, Localpart } from '../../ids.ts';
import type { DeviceRow, MemberStore } from '../types.ts';
import type { Commits } from './commits.ts';

type Kind = 'enhanced' | 'legacy';
type List = { version: number; hash: Uint8Array; bytes: Uint8Array };

export function memberStore(db: Database, commits: Commits): MemberStore {
  const add = db.prepare<[string, Kind]>('INSERT OR IGNORE INTO members (member, kind) VALUES (?, ?)');
  const kind = db.prepare<[string], { kind: Kind }>('SELECT kind FROM members WHERE member = ?');
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
  const devices = db.prepare<[string], DeviceRow>('SELECT member, device, key FROM devices WHERE member = ? ORDER BY device');
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
    add: (member, as) => commits.change(() => add.run(member, as).changes > 0),
    kind: (member) => commits.read(() => kind.get(member)?.kind),
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
