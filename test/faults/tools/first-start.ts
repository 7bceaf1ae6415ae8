/**
 * A bridge's first start, on a database that is not there yet, killed again and again within moments of making the file. It has ports of its
 * own and no homeserver, so that the bridge whose configuration it borrows goes on undisturbed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { parse, stringify } from 'yaml';
import { MIGRATIONS, migrate } from '../../../src/storage/sqlite/migrate.ts';
import type { Community } from '../../support/community.ts';
import { reservePorts } from '../../support/homeserver/ports.ts';

const PROGRAM = new URL('../../../src/bin.js', import.meta.url).pathname;
/** The schema is made in less. */
const KILLED_WITHIN_MS = 40;
const LIVE_MS = 20_000;

export interface FirstStarts {
  readonly kills: number;
  /** After how many of them the schema was not there at all. */
  readonly absent: number;
  /** Kills after which something was there by half, or the next start did not come up. */
  readonly broken: readonly string[];
}

export async function killFirstStarts(like: Community, kills: number, random: () => number): Promise<FirstStarts> {
  const [appservice, gateway, admin] = await reservePorts();
  const borrowed = parse(await readFile(like.configPath, 'utf8'));
  const broken: string[] = [];
  let absent = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const folder = join(like.dir, 'first-starts', String(kill));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [config, database] = [join(folder, 'config.yaml'), join(folder, 'volly.db')];
    const text = stringify({
      ...borrowed,
      homeserver: { ...borrowed.homeserver, url: 'http://127.0.0.1:9' },
      appservice: { ...borrowed.appservice, listen: { port: appservice }, registration: like.registrationPath },
      gateway: { ...borrowed.gateway, listen: { port: gateway } },
      admin: { listen: { port: admin }, token: join(folder, 'admin.token') },
      storage: { path: database },
      keys: { path: join(folder, 'community.key') },
    });
    await writeFile(config, text);
    const watching = watch(folder);
    const child = startBridge(config);
    await appearance(watching, 'volly.db');
    await sleep(random() * KILLED_WITHIN_MS);
    await end(child, 'SIGKILL');
    const { tables, version } = await schemaOf(database, join(folder, 'after-kill'));
    if (version === 0) absent++;
    const next = startBridge(config);
    const came = await comesUp(next, appservice);
    await end(next, 'SIGKILL');
    const after = await schemaOf(database, join(folder, 'after-start'));
    if (!came) broken.push(`kill ${kill}: the next start did not come up`);
    if (tables !== tablesAt(version)) broken.push(`kill ${kill}: ${tables} tables and indexes at version ${version}`);
    if (after.version !== MIGRATIONS.length || after.tables !== tablesAt(MIGRATIONS.length))
      broken.push(`kill ${kill}: ${after.tables} tables and indexes at version ${after.version} after the next start`);
  }
  return { kills, absent, broken };
}

const startBridge = (config: string): ChildProcess =>
  spawn(process.execPath, [PROGRAM, 'start', '--config', config], { stdio: 'ignore' });

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

async function appearance(watching: FSWatcher, name: string): Promise<void> {
  for (;;) {
    const [, file] = (await once(watching, 'change')) as [string, string];
    if (file === name) break;
  }
  watching.close();
}

async function comesUp(child: ChildProcess, port: number): Promise<boolean> {
  for (const late = performance.now() + LIVE_MS; performance.now() < late && child.exitCode === null; await sleep(20)) {
    const answer = await fetch(`http://127.0.0.1:${port}/live`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return true;
  }
  return false;
}

interface Schema {
  readonly version: number;
  /** Tables and indexes. */
  readonly tables: number;
}

/** By a copy of the database: to open it would mend it. Throws where it is damaged. */
async function schemaOf(database: string, folder: string): Promise<Schema> {
  await mkdir(folder, { mode: 0o700 });
  for (const suffix of ['', '-wal']) await cp(database + suffix, join(folder, `copy${suffix}`), { force: true }).catch(() => {});
  const db = new Database(join(folder, 'copy'));
  try {
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') throw new Error(`${database} is damaged`);
    return { version: db.pragma('user_version', { simple: true }) as number, tables: count(db) };
  } finally {
    db.close();
  }
}

/** A migration is there whole or not at all: what a database of this version has. */
function tablesAt(version: number): number {
  const db = new Database(':memory:');
  try {
    migrate(db, MIGRATIONS.slice(0, version));
    return count(db);
  } finally {
    db.close();
  }
}

const count = (db: Database.Database): number => db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
