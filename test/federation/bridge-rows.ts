/** A look into a running bridge's database. */
import Database from 'better-sqlite3';
import type { Community } from '../support/community.ts';
import type { Person } from '../support/people.ts';

function read<Row>({ databasePath }: Community, sql: string, ...values: readonly unknown[]): Row[] {
  const database = new Database(databasePath, { readonly: true });
  try {
    return database.prepare(sql).all(...values) as Row[];
  } finally {
    database.close();
  }
}

/** Envelopes that the bridge keeps for this device. */
export const waitingFor = (community: Community, { client }: Person): number =>
  read(community, 'SELECT id FROM inbox WHERE recipient = ?', client.address).length;

export interface Quarantined {
  readonly source: string;
  readonly code: string;
  readonly content: string;
}

/** What the bridge refused and kept for its operator, oldest first. */
export const quarantined = (community: Community): readonly Quarantined[] =>
  read<Quarantined>(community, 'SELECT source, code, content FROM quarantine ORDER BY rowid');

/** Answers of /sync that are not routed to their end yet. */
export const unrouted = (community: Community): number => read(community, 'SELECT entry FROM journal').length;
