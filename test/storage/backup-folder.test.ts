/** Backups and what becomes of them. With a running bridge and real homeservers: test/federation/backup.test.ts. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backUp } from '../../src/compose/backup.ts';
import { restore } from '../../src/compose/restore.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { claimDatabase } from '../../src/storage/sqlite/claim.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { ManualClock } from '../support/clock.ts';
import { outboxRow } from './rows.ts';

const CONFIG = 'homeserver: {server_name: orchid.example}\ngateway: {public_url: wss://orchid.example}\n';
const SECRETS = ['registration.yaml', 'community.key'];

describe('a backup', () => {
  let directory: string;
  let home: string;
  let into: string;
  let configFile: string;
  let clock: ManualClock;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'volly-backup-'));
    home = join(directory, 'home');
    into = join(directory, 'backups');
    configFile = join(home, 'config.yaml');
    clock = new ManualClock();
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(configFile, CONFIG);
    for (const name of SECRETS) writeFileSync(data(name), `the ${name}`, { mode: 0o600 });
    await keep(1);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const data = (name: string): string => join(home, 'data', name);
  const config = () => loadConfig(configFile);
  const keep = async (n: number): Promise<void> => {
    const stores = openSqlite({ file: data('volly.db') });
    await stores.outbox.put(outboxRow(n));
    await stores.close();
  };
  const kept = async (file = data('volly.db')) => {
    const stores = openSqlite({ file });
    const rows = (await stores.outbox.all()).map(({ encoded }) => encoded);
    await stores.close();
    return rows;
  };
  const take = async (keep?: number): Promise<string> =>
    (await backUp({ config: config(), configFile, into, keep, program: '1.2.3', clock })).folder;
  const bring = (from: string, force = false) => restore({ from, configFile, config, force, clock });
  const refuses = (from: string, code: ErrorCode, what: RegExp) =>
    assert.rejects(bring(from), (error: Error & { code: string }) => error.code === code && what.test(error.message));

  it('brings everything back to an empty place, the configuration too', async () => {
    const from = await take();
    rmSync(home, { recursive: true });
    const { manifest, aside } = await bring(from);
    assert.deepEqual([manifest.server, manifest.program, aside], ['orchid.example', '1.2.3', []]);
    assert.equal(readFileSync(configFile, 'utf8'), CONFIG);
    for (const name of SECRETS) assert.equal(readFileSync(data(name), 'utf8'), `the ${name}`);
    assert.deepEqual(await kept(), ['{"n":1}']);
  });

  it('is for its owner alone, and so is what it brings back', async () => {
    const from = await take();
    const modeOf = (path: string) => statSync(path).mode & 0o777;
    assert.equal(modeOf(from), 0o700);
    for (const name of readdirSync(from)) assert.equal(modeOf(join(from, name)), 0o600, name);
    rmSync(home, { recursive: true });
    await bring(from);
    for (const name of [...SECRETS, 'volly.db']) assert.equal(modeOf(data(name)), 0o600, name);
    assert.equal(modeOf(join(home, 'data')), 0o700);
  });

  it('does without a registration where the tokens come as files of their own', async () => {
    rmSync(data('registration.yaml'));
    await assert.rejects(take(), { code: 'bad_backup' });
    appendFileSync(configFile, 'appservice: {as_token_file: ./as, hs_token_file: ./hs}\n');
    const from = await take();
    rmSync(home, { recursive: true });
    await bring(from);
    assert.equal(existsSync(data('registration.yaml')), false);
    assert.deepEqual(await kept(), ['{"n":1}']);
  });

  it('goes over nothing that is there, unless it is told to, and then keeps it', async () => {
    const from = await take();
    await keep(2);
    writeFileSync(data('community.key'), 'another key', { mode: 0o600 });
    writeFileSync(`${data('volly.db')}-wal`, 'a log');
    await refuses(from, 'data_exists', /community\.key.*volly\.db.*volly\.db-wal/);
    assert.equal(readFileSync(data('community.key'), 'utf8'), 'another key');
    rmSync(`${data('volly.db')}-wal`);
    const { aside } = await bring(from, true);
    assert.deepEqual(await kept(), ['{"n":1}']);
    assert.equal(readFileSync(data('community.key'), 'utf8'), 'the community.key');
    const [key, database] = aside as [string, string];
    assert.equal(readFileSync(key, 'utf8'), 'another key');
    assert.deepEqual(await kept(database), ['{"n":1}', '{"n":2}']);
    assert.equal(aside.length, 2);
  });

  it('keeps a log that stands there beside its database, and takes it for nobody else’s', async () => {
    const from = await take();
    rmSync(data('volly.db'));
    writeFileSync(`${data('volly.db')}-wal`, 'a log');
    await refuses(from, 'data_exists', /volly\.db-wal/);
    const { aside } = await bring(from, true);
    assert.match(aside[0] ?? '', /volly\.db\.before-\d{8}T\d{6}-wal$/);
    assert.deepEqual(await kept(), ['{"n":1}']);
  });

  it('goes on where a restore was cut short', async () => {
    const from = await take();
    rmSync(home, { recursive: true });
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(configFile, CONFIG);
    writeFileSync(data('community.key'), 'the community.key', { mode: 0o600 });
    writeFileSync(data('registration.yaml.restoring'), 'half');
    await bring(from);
    assert.deepEqual(await kept(), ['{"n":1}']);
  });

  it('does not come back under a running bridge', async () => {
    const from = await take();
    const release = claimDatabase(data('volly.db'));
    await refuses(from, 'database', /in use by another running bridge/);
    release();
    await refuses(from, 'data_exists', /./);
  });

  it('that was changed, or is of another community, is refused, and nothing is touched', async () => {
    for (const name of ['volly.db', 'community.key', 'registration.yaml', 'config.yaml']) {
      const from = await take();
      appendFileSync(join(from, name), '.');
      await refuses(from, 'bad_backup', new RegExp(name.replace('.', '\\.')));
      clock.advance(1);
    }
    const from = await take();
    rmSync(join(from, 'manifest.json'));
    await refuses(from, 'bad_backup', /manifest\.json: cannot be read \(ENOENT\)/);
    clock.advance(1);
    const ours = await take();
    writeFileSync(configFile, CONFIG.replaceAll('orchid', 'lotus'));
    await refuses(ours, 'bad_backup', /of orchid\.example, and the configuration of lotus\.example/);
    assert.deepEqual(
      readdirSync(join(home, 'data')).filter((name) => /before|restoring/.test(name)),
      [],
    );
  });

  it('leaves nothing behind where it cannot be whole', async () => {
    rmSync(data('community.key'));
    await assert.rejects(take(), { code: 'bad_backup' });
    assert.deepEqual(readdirSync(into), []);
    writeFileSync(join(directory, 'file'), '');
    into = join(directory, 'file');
    await assert.rejects(take(), { code: 'bad_backup' });
  });

  it('never makes room by taking itself away, were others made by a clock that was ahead', async () => {
    clock.jump(86_400_000);
    const ahead = [await take()];
    clock.jump(1);
    ahead.push(await take());
    clock.jump(-86_400_001);
    const newest = await take(1);
    assert.deepEqual(
      [newest, ...ahead].map((folder) => existsSync(folder)),
      [true, false, false],
    );
  });

  it('makes room by taking the oldest of its community away, and nothing else', async () => {
    mkdirSync(join(into, 'volly-20200101T000000.000Z'), { recursive: true });
    const all: string[] = [];
    for (let n = 0; n < 4; n++) {
      all.push(await take());
      clock.advance(1_000);
    }
    all.push(await take(2));
    assert.deepEqual(
      all.map((folder) => existsSync(folder)),
      [false, false, false, true, true],
    );
    assert.equal(existsSync(join(into, 'volly-20200101T000000.000Z')), true);
  });
});
