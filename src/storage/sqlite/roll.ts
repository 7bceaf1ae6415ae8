/** Members as the operator sees and changes them. */
import type { Database } from 'better-sqlite3';
import { VollyError } from '../../errors.ts';
import { type DeviceId, type Localpart, localpartOf } from '../../ids.ts';
import { dayOf, heldName } from '../held-name.ts';
import type { MemberRow, RollDevice, RollStore } from '../types.ts';
import type { Commits } from './commits.ts';
import { removal } from './removal.ts';

type Kept<T> = { readonly [K in keyof T]-?: T[K] extends number | undefined ? Exclude<T[K], undefined> | null : T[K] };

const ROW = 'member, kind, created AS createdAt, suspended AS suspendedAt';

/** SQLite's NULL is our absent. */
const without = <T extends object>(row: T): T =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;

export function rollStore(db: Database, commits: Commits): RollStore {
  const page = db.prepare<[string, number], Kept<MemberRow>>(
    `SELECT ${ROW} FROM members WHERE member > ? ORDER BY member LIMIT ?`,
  );
  const find = db.prepare<[string], Kept<MemberRow>>(`SELECT ${ROW} FROM members WHERE member = ?`);
  const devices = db.prepare<[string], { device: DeviceId; published: 0 | 1; barredAt: number | null; seenOn: number | null }>(
    `SELECT device, bundle IS NOT NULL AS published, barred_devices.at AS barredAt, day AS seenOn FROM devices
       LEFT JOIN bundles USING (member, device)
       LEFT JOIN barred_devices USING (member, device)
       LEFT JOIN seen_devices USING (member, device)
     WHERE member = ? ORDER BY device`,
  );
  const legacySeen = db.prepare<[string], { device: DeviceId; seenOn: number }>(
    'SELECT device, day AS seenOn FROM seen_devices WHERE member = ?',
  );
  const suspend = db.prepare<[number | null, string]>('UPDATE members SET suspended = ? WHERE member = ?');
  const bar = db.prepare<[number, string, string]>(
    'INSERT OR REPLACE INTO barred_devices SELECT member, device, key, ? FROM devices WHERE member = ? AND device = ?',
  );
  const letIn = db.prepare<[string, string]>('DELETE FROM barred_devices WHERE member = ? AND device = ?');
  const dropBundle = db.prepare<[string, string]>('DELETE FROM bundles WHERE member = ? AND device = ?');
  const dropTickets = db.prepare<[string]>('DELETE FROM tickets WHERE device = ?');
  const dropWaiting = db.prepare<[string]>('DELETE FROM inbox WHERE recipient = ?');
  const seenOn = db.prepare<[string, string], { day: number }>('SELECT day FROM seen_devices WHERE member = ? AND device = ?');
  const see = db.prepare<[string, string, number, string]>(
    'INSERT OR REPLACE INTO seen_devices SELECT ?, ?, ? FROM members WHERE member = ?',
  );
  const held = db.prepare<[Uint8Array]>('SELECT 1 FROM held_names WHERE hash = ?');
  const leaving = db.prepare<[], { member: Localpart }>('SELECT member FROM leaving ORDER BY member');
  const left = db.prepare<[string]>('DELETE FROM leaving WHERE member = ?');
  const remove = removal(db);
  const mustExist = (member: Localpart): void => {
    if (!find.get(member)) throw new VollyError('unknown_member');
  };
  const devicesOf = (member: Localpart, kind: MemberRow['kind']): readonly RollDevice[] =>
    kind === 'legacy'
      ? legacySeen.all(member).map((row) => ({ ...row, published: true }))
      : devices.all(member).map((row) => without({ ...row, published: row.published === 1 }) as RollDevice);

  return {
    page: (after, limit) => commits.read(() => page.all(after, limit).map((row) => without(row) as MemberRow)),
    find: (member) =>
      commits.read(() => {
        const row = find.get(member);
        return row && { ...(without(row) as MemberRow), devices: devicesOf(member, row.kind) };
      }),
    suspend: (member, at) =>
      commits.change(() => {
        mustExist(member);
        suspend.run(at ?? null, member);
      }),
    bar: (address, device, at) =>
      commits.change(() => {
        const member = localpartOf(address);
        mustExist(member);
        if (at === undefined) return letIn.run(member, device).changes > 0;
        if (bar.run(at, member, device).changes === 0) return false;
        dropBundle.run(member, device);
        dropTickets.run(`${address}/${device}`);
        dropWaiting.run(`${address}/${device}`);
        return true;
      }),
    async seen(member, device, at) {
      const day = dayOf(at);
      if ((await commits.read(() => seenOn.get(member, device)?.day)) === day) return;
      await commits.tidy(() => void see.run(member, device, day, member));
    },
    remove: (member, at, isOwn) =>
      commits.change(() => {
        mustExist(localpartOf(member));
        remove(member, at, isOwn);
      }),
    isHeld: (member) => commits.read(() => held.get(heldName(member)) !== undefined),
    leaving: () => commits.read(() => leaving.all().map(({ member }) => member)),
    left: (member) => commits.change(() => void left.run(member)),
  };
}
