/** Node.js, configuration, files, database. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parseServerName } from '../../../../src/ids.ts';
import type { ServerCertificate } from '../../../support/homeserver/certificates.ts';
import type { Case } from '../case.ts';
import type { World } from '../world.ts';

const OPEN = 'permissions:readable_by_others';
const WRITABLE = 'permissions:writable_by_others';

export const MACHINE: readonly Case[] = [
  { name: 'a Node.js that is too old', breaks: (w) => w.lay({ node: '24.14.1' }), names: ['node:old_node'] },
  { name: 'no configuration', breaks: (w) => rmSync(w.configFile), names: ['config:bad_config'] },
  {
    name: 'a configuration with mistakes',
    breaks: (w) => w.configure({ homeserver: { url: 'localhost' }, gatewy: {} }),
    names: ['config:bad_config'],
  },
  {
    name: 'a data folder that is not there',
    breaks: (w) => w.configure({ storage: { path: './elsewhere/volly.db' } }),
    names: ['storage:folder_missing'],
  },
  { name: 'a registration for everybody to read', breaks: (w) => chmodSync(w.registrationFile, 0o644), names: [OPEN] },
  { name: 'a community key for its group to read', breaks: (w) => chmodSync(w.keyFile, 0o640), names: [OPEN] },
  { name: 'a database for everybody to read', breaks: (w) => chmodSync(w.databaseFile, 0o604), names: [OPEN] },
  { name: 'a configuration for everybody to write', breaks: (w) => chmodSync(w.configFile, 0o666), names: [WRITABLE] },
  { name: 'a data folder for everybody to write', breaks: (w) => chmodSync(join(w.dir, 'data'), 0o777), names: [WRITABLE] },
  { name: 'a folder of the configuration for everybody to write', breaks: (w) => chmodSync(w.dir, 0o777), names: [WRITABLE] },
  {
    name: 'a registration for one group to read, which may be the homeserver’s',
    breaks: (w) => chmodSync(w.registrationFile, 0o640),
    names: [],
  },
  { name: 'no registration', breaks: (w) => rmSync(w.registrationFile), names: ['registration:registration_missing'] },
  {
    name: 'a registration that is none',
    breaks: (w) => writeFileSync(w.registrationFile, 'id: volly\n'),
    names: ['registration:registration_damaged'],
  },
  {
    name: 'placeholder tokens',
    breaks: (w) => w.register({ asToken: 'PLACEHOLDER_as_token' }),
    names: ['registration:placeholder_tokens'],
  },
  { name: 'a token to guess', breaks: (w) => w.register({ hsToken: 'secret' }), names: ['registration:weak_tokens'] },
  {
    name: 'namespaces of another server name',
    breaks: (w) => w.register({ server: parseServerName('iris.example') }),
    names: ['registration:namespaces_differ'],
  },
  {
    name: 'a registration of another configuration',
    breaks: (w) => w.register({ id: 'other' }),
    names: ['registration:registration_differs'],
  },
  {
    name: 'a registration that asks for pushes',
    breaks: (w) => w.register({}, { 'de.sorunome.msc2409.push_ephemeral': true }),
    names: ['registration:pushes_requested'],
  },
  {
    name: 'token files that are not there',
    breaks: (w) => w.configure({ appservice: { as_token_file: './as', hs_token_file: './hs' } }),
    names: ['registration:token_files_unusable'],
  },
  { name: 'a lost community key', breaks: (w) => rmSync(w.keyFile), names: ['key:key_missing'] },
  { name: 'a community key that is none', breaks: (w) => writeFileSync(w.keyFile, 'key'), names: ['key:key_damaged'] },
  {
    name: 'a certificate of its own that is not there',
    breaks: (w) => w.configure({ gateway: { tls: { certificate: './tls.crt', key: './tls.key' } } }),
    names: ['tls:tls_unreadable'],
  },
  {
    name: 'a certificate of its own with the key of another',
    breaks: (w) => holdCertificate(w, { ...w.authority.issue(), key: w.authority.issue().key }),
    names: ['tls:tls_unreadable'],
  },
  {
    name: 'a certificate of its own that has expired',
    breaks: (w) => holdCertificate(w, w.authority.issue({ days: -1 })),
    names: ['tls:certificate_expired'],
  },
  {
    name: 'a certificate of its own that nothing renews',
    breaks: (w) => holdCertificate(w, w.authority.issue({ days: 3 })),
    names: ['tls:certificate_ends_soon'],
  },
  {
    name: 'a database that is none',
    breaks: (w) => writeFileSync(w.databaseFile, 'x'.repeat(8_192)),
    names: ['database:database_corrupt'],
  },
  { name: 'a database with a damaged page', breaks: (w) => damage(w.databaseFile), names: ['database:database_corrupt'] },
  { name: 'a database of a newer version', breaks: (w) => setSchema(w.databaseFile, 99), names: ['database:newer_schema'] },
  { name: 'a database of an older version', breaks: (w) => setSchema(w.databaseFile, 1), names: ['database:outdated_schema'] },
  { name: 'a database that another program holds', breaks: lock, names: ['database:database_unusable'] },
];

function holdCertificate(world: World, { certificate, key }: ServerCertificate): void {
  writeFileSync(join(world.dir, 'tls.crt'), certificate);
  writeFileSync(join(world.dir, 'tls.key'), key, { mode: 0o600 });
  world.configure({ gateway: { tls: { certificate: './tls.crt', key: './tls.key' } } });
}

/** Not the first page: it opens, and only its check finds it. */
function damage(file: string): void {
  const db = new Database(file);
  db.pragma('journal_mode = DELETE');
  const size = db.pragma('page_size', { simple: true }) as number;
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xff, size, 2 * size);
  writeFileSync(file, bytes);
}

function setSchema(file: string, version: number): void {
  const db = new Database(file);
  db.pragma(`user_version = ${version}`);
  db.close();
}

function lock(world: World): void {
  const db = new Database(world.databaseFile);
  db.pragma('locking_mode = EXCLUSIVE');
  db.exec('BEGIN EXCLUSIVE');
  world.end(() => db.close());
}
