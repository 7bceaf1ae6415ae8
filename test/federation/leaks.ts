/**
 * The wiretap: everything that two communities said to each other, kept and wrote into their logs, searched for what must not be there.
 * One check, `leaks`, for clean material and for planted.
 */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { ECHO_TYPE } from '../../src/matrix/echo.ts';
import { ENVELOPES, isEnvelopeType } from '../../src/protocol/envelope.ts';
import type { Community } from '../support/community.ts';
import { databaseHaystacks, type Finding, fileHaystacks, type Haystack, type Needle, searchAll } from '../support/wiretap.ts';
import { envelopesOf, eventsOn, roomEventsOn } from './wire.ts';

/** Where Synapse puts to-device events until they are fetched or sent on. */
const SYNAPSE_TABLES = ['device_inbox', 'device_federation_outbox', 'device_federation_inbox'];

/** Rows are deleted once they are delivered: from here on a copy of every one that ever stood in these tables stays. */
function keepRows(path: string, only?: readonly string[]): void {
  const database = new Database(path, { timeout: 20_000 });
  const tables = database
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .pluck()
    .all();
  database.transaction(() => {
    for (const table of only ?? (tables as string[])) {
      const columns = database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
      const copy = `INSERT INTO "kept_${table}" VALUES (${columns.map((column) => `new."${column}"`).join()})`;
      database.exec(`CREATE TABLE "kept_${table}" AS SELECT * FROM "${table}"`);
      for (const event of ['INSERT', 'UPDATE'])
        database.exec(`CREATE TRIGGER "kept_${table}_${event}" AFTER ${event} ON "${table}" BEGIN ${copy}; END`);
    }
  })();
  database.close();
}

/** To be called before anything happens. */
export function keepEverything(communities: readonly Community[]): void {
  for (const { synapse, databasePath } of communities) {
    keepRows(synapse.databasePath, SYNAPSE_TABLES);
    keepRows(databasePath);
  }
}

function haystacksOf({ name, dir, synapse, databasePath, exchanges }: Community): Haystack[] {
  return [
    ...databaseHaystacks(`${name}’s homeserver`, synapse.databasePath),
    ...databaseHaystacks(`${name}’s bridge`, databasePath),
    ...fileHaystacks(`${name}’s logs`, dir, (file) => file.endsWith('.log')),
    ...exchanges.flatMap(({ tap, method, path, request, response }) => {
      const [where] = path.split('?');
      return [
        { where: `${tap}: ${method} ${where}`, bytes: Buffer.concat([Buffer.from(`${path}\n`), request]) },
        { where: `${tap}: answer to ${method} ${where}`, bytes: response },
      ];
    }),
  ];
}

export interface Sighting {
  readonly where: string;
  readonly type: string;
  readonly content: unknown;
  readonly envelopes: readonly Readonly<Record<string, unknown>>[];
}

/** Every to-device event on the wire and in the homeservers' tables. */
export function sightings({ name, synapse, exchanges }: Community): Sighting[] {
  const database = new Database(synapse.databasePath, { readonly: true });
  const rows = (
    [
      ['kept_device_inbox', 'message_json'],
      ['kept_device_federation_outbox', 'messages_json'],
    ] as const
  ).flatMap(([table, column]) =>
    (database.prepare(`SELECT ${column} FROM ${table}`).pluck().all() as string[]).flatMap((json) => {
      const { type, content, messages } = JSON.parse(json);
      const contents = messages ? Object.values(messages).flatMap((devices) => Object.values(devices as object)) : [content];
      const where = `${name}’s homeserver, ${table}`;
      return contents.map((content) => ({ where, type, content, envelopes: [...envelopesOf(content)] }));
    }),
  );
  database.close();
  const seen = exchanges.flatMap((exchange) =>
    eventsOn(exchange).map((event) => ({ where: `${exchange.tap}, ${event.at}`, ...event })),
  );
  return [...rows, ...seen];
}

const COMMON = ['id', 'type', 'from', 'to', 'expires'];

/** A nonce, and what homeservers add. */
const isEcho = (content: unknown): boolean =>
  /^{"nonce":"[0-9a-f-]{36}"}$/.test(JSON.stringify({ ...(content as object), 'org.matrix.msgid': undefined }));

/** What docs/PROTOCOL.md sections 4 and 15 have no word for. */
function* undocumented({ where, type, content, envelopes }: Sighting): Generator<string> {
  if (type === ECHO_TYPE) {
    if (!isEcho(content)) yield 'an echo with more in it than a nonce';
    if (/federation/.test(where)) yield 'an echo that left its homeserver';
    return;
  }
  if (!isEnvelopeType(type)) {
    yield `an event of the type ${type}`;
    return;
  }
  if (envelopes.length === 0) yield `an event ${type} without envelopes`;
  for (const envelope of envelopes) {
    if (envelope['type'] !== type) yield `an envelope of another type in an event ${type}`;
    const fields = [...COMMON, ...Object.keys(ENVELOPES[type].fields)];
    for (const field of Object.keys(envelope)) if (!fields.includes(field)) yield `a field ${field} in an envelope ${type}`;
  }
}

function* roomEvents({ name, synapse, exchanges }: Community): Generator<Finding> {
  const database = new Database(synapse.databasePath, { readonly: true });
  const kept = database.prepare('SELECT json FROM event_json').pluck().all() as string[];
  database.close();
  for (const json of kept)
    if (json.includes('app.volly.')) yield { where: `${name}’s homeserver, event_json`, what: 'a room event of ours' };
  for (const exchange of exchanges)
    if (roomEventsOn(exchange).length > 0) yield { where: exchange.tap, what: 'a room event between homeservers' };
}

/** Nothing, if the communities kept their word. */
export function leaks(communities: readonly Community[], needles: readonly Needle[]): Finding[] {
  const strange = communities.flatMap((community) =>
    sightings(community).flatMap((sighting) => [...undocumented(sighting)].map((what) => ({ where: sighting.where, what }))),
  );
  return [
    ...searchAll(communities.flatMap(haystacksOf), needles),
    ...strange,
    ...communities.flatMap((community) => [...roomEvents(community)]),
  ];
}

/** The community key's seed, as its file has it: the operator's own secret. */
export const communitySeed = ({ keyPath }: Community): Buffer =>
  Buffer.from(readFileSync(keyPath, 'latin1').trim().split(' ').at(-1) as string, 'base64url');
