import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { MIGRATIONS, ROWS } from './long-migrations.ts';

const version = (db: Database.Database) => db.pragma('user_version', { simple: true });

describe('migrations', () => {
  it('bring an older database up step by step, and keep its rows', () => {
    const db = new Database(':memory:');
    const first = 'CREATE TABLE fruit (name TEXT)';
    migrate(db, [first]);
    db.exec("INSERT INTO fruit VALUES ('quince')");
    migrate(db, [first, 'ALTER TABLE fruit ADD COLUMN colour TEXT', "UPDATE fruit SET colour = 'yellow'"]);
    assert.equal(version(db), 3);
    assert.deepEqual(db.prepare('SELECT * FROM fruit').all(), [{ name: 'quince', colour: 'yellow' }]);
  });

  it('leave a whole schema where one fails, and go on from there', () => {
    const db = new Database(':memory:');
    const good = 'CREATE TABLE fruit (name TEXT)';
    assert.throws(() => migrate(db, [good, 'CREATE TABLE leaf (name TEXT); CREATE TABLE fruit (name TEXT)']));
    assert.equal(version(db), 1);
    assert.equal(db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'leaf'").pluck().get(), 0);
    migrate(db, [good, 'CREATE TABLE leaf (name TEXT)']);
    assert.equal(version(db), 2);
  });

  it('do nothing to a database that is up to date', () => {
    const db = new Database(':memory:');
    migrate(db);
    const before = db.prepare('SELECT sql FROM sqlite_master ORDER BY name').all();
    migrate(db);
    assert.deepEqual(db.prepare('SELECT sql FROM sqlite_master ORDER BY name').all(), before);
  });
});

describe('migrations, killed', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'volly-migrate-'));
    file = join(directory, 'bridge.db');
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const child = () =>
    spawn(process.execPath, [join(import.meta.dirname, 'migrate-child.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });

  /** Version v has v tables, and each row of each has been touched by all migrations since: none is done by half. */
  const check = (): number => {
    const db = new Database(file, { readonly: true });
    const done = version(db) as number;
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").pluck().all();
    assert.deepEqual(
      tables,
      Array.from({ length: done }, (_, n) => `t${String(n + 1).padStart(2, '0')}`),
    );
    if (done > 0) assert.deepEqual(db.prepare('SELECT DISTINCT touched FROM t01').pluck().all(), [done]);
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
    return done;
  };

  it('at any moment leave a whole schema, and the next start goes on from there', async () => {
    const versions: number[] = [];
    for (let kill = 0; kill < 6; kill++) {
      const process = child();
      const exited = once(process, 'exit');
      // All 40 take some 300 ms.
      process.stdout.once('data', () => setTimeout(() => process.kill('SIGKILL'), 5 + kill * 11));
      await exited;
      versions.push(check());
    }
    assert.ok(
      versions.every((done, i) => i === 0 || done >= versions[i - 1]!),
      String(versions),
    );
    assert.ok(
      versions.some((done) => done > 0 && done < MIGRATIONS.length),
      String(versions),
    );
    const last = child();
    await Promise.all([once(last, 'exit'), last.stdout.resume()]);
    assert.equal(check(), MIGRATIONS.length);
  });

  it('of two processes at once are made once', async () => {
    // To change to a write-ahead log is no migration, and of two who do it at once SQLite may turn one away.
    const first = new Database(file);
    first.pragma('journal_mode = WAL');
    first.close();
    const both = [child(), child()];
    const codes = await Promise.all(
      both.map(async (process) => {
        process.stdout.resume();
        return (await once(process, 'exit'))[0];
      }),
    );
    assert.deepEqual(codes, [0, 0]);
    assert.equal(check(), MIGRATIONS.length);
    const db = new Database(file, { readonly: true });
    assert.equal(db.prepare('SELECT count(*) FROM t01').pluck().get(), ROWS);
    db.close();
  });
});
