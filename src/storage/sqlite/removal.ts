/**
 * Forgets a member, inside one commit. `secure_delete` is on meanwhile: SQLite overwrites with zeros what it deletes. What had been deleted or
 * replaced before, an older bundle say, may still stand in free pages of the file.
 */
import type { Database } from 'better-sqlite3';
import { localpartOf, type MemberId } from '../../ids.ts';
import { heldName } from '../held-name.ts';

const BY_NAME = ['bundles', 'lists', 'barred_devices', 'seen_devices', 'devices', 'invites', 'members'] as const;

export function removal(db: Database): (member: MemberId, at: number, isOwn: (fact: string) => boolean) => void {
  // '0' is what follows '/': all devices of the member and nothing else.
  const devicesIn = (column: string): string => `(${column} >= $address || '/' AND ${column} < $address || '0')`;
  const from = `(sender = $address OR ${devicesIn('sender')})`;
  const byName = BY_NAME.map((table) => db.prepare<[string]>(`DELETE FROM ${table} WHERE member = ?`));
  const byAddress = [
    `DELETE FROM tickets WHERE ${devicesIn('device')}`,
    `DELETE FROM inbox WHERE ${devicesIn('recipient')} OR ${from}`,
    `DELETE FROM outbox WHERE ${from}`,
    `DELETE FROM outbox_acked WHERE ${from}`,
    `DELETE FROM quarantine WHERE instr(content, '"' || $address || '"') OR instr(content, '"' || $address || '/')`,
  ].map((sql) => db.prepare<{ address: string }>(sql));
  const facts = db.prepare<[], string>('SELECT name FROM facts').pluck();
  const dropFact = db.prepare<[string]>('DELETE FROM facts WHERE name = ?');
  const hold = db.prepare<[Uint8Array, number]>('INSERT OR REPLACE INTO held_names (hash, at) VALUES (?, ?)');
  const leave = db.prepare<[string]>('INSERT OR REPLACE INTO leaving (member) VALUES (?)');

  return (member, at, isOwn) => {
    const localpart = localpartOf(member);
    db.pragma('secure_delete = ON');
    try {
      for (const statement of byAddress) statement.run({ address: member });
      for (const statement of byName) statement.run(localpart);
      for (const name of facts.all()) if (isOwn(name)) dropFact.run(name);
    } finally {
      db.pragma('secure_delete = OFF');
    }
    hold.run(heldName(localpart), at);
    leave.run(localpart);
  };
}
