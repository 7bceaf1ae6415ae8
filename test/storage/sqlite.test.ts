import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { Commits } from '../../src/storage/sqlite/commits.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { ManualClock } from '../support/clock.ts';
import { storesContract } from './contract.ts';
import { idOf, outboxRow } from './rows.ts';

describe('stores in SQLite', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'volly-sqlite-'));
    file = join(directory, 'bridge.db');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  describe('as every store', () => storesContract(async () => openSqlite({ file })));

  it('finds everything again after it was closed', async () => {
    const first = openSqlite({ file });
    await first.outbox.put(outboxRow(1));
    await first.journal.append('sync', 'raw');
    await first.close();
    const second = openSqlite({ file });
    assert.deepEqual(await second.outbox.all(), [outboxRow(1)]);
    assert.deepEqual(
      (await second.journal.pending('sync')).map(({ raw }) => raw),
      ['raw'],
    );
    await second.close();
    await second.close();
    await assert.rejects(second.facts.set('a', 'b'), { code: 'database' });
  });

  it('commits what still waits when it is closed', async () => {
    const first = openSqlite({ file });
    const puts = Array.from({ length: 50 }, (_, n) => first.outbox.put(outboxRow(n)));
    await first.close();
    await Promise.all(puts);
    const second = openSqlite({ file });
    assert.equal((await second.outbox.all()).length, 50);
    await second.close();
  });

  it('refuses a newer schema and leaves it as it was', () => {
    const db = new Database(file);
    db.pragma('user_version = 999');
    db.close();
    assert.throws(() => openSqlite({ file }), { code: 'newer_schema' });
    const again = new Database(file);
    assert.equal(again.pragma('user_version', { simple: true }), 999);
    again.close();
  });

  it('names the file when it cannot be opened', () => {
    assert.throws(() => openSqlite({ file: join(directory, 'missing', 'x.db') }), { code: 'database', message: /missing/ });
    writeFileSync(file, 'this is not a database, and long enough to be looked at as one'.repeat(20));
    assert.throws(() => openSqlite({ file }), { code: 'database' });
  });

  it('keeps its files from other users', async () => {
    const stores = openSqlite({ file });
    await stores.facts.set('a', 'b');
    for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o777, 0o600, name);
    await stores.close();
  });

  it('waits with a free loop while another process holds the database', async () => {
    const stores = openSqlite({ file });
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const put = stores.outbox.put(outboxRow(1));
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    other.exec('COMMIT');
    other.close();
    assert.equal(await put, 'accepted');
    await stores.close();
  });

  it('gives up with everybody who waits when it is held for long, and goes on when it is free', async () => {
    const clock = new ManualClock();
    const stores = openSqlite({ file, clock });
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    for (let round = 0; round < 2; round++) {
      let settled = 0;
      const puts = Array.from({ length: 70 }, (_, n) => stores.outbox.put(outboxRow(n)).finally(() => settled++));
      const results = Promise.allSettled(puts);
      await clock.advance(4_000);
      assert.equal(settled, 0);
      await clock.advance(2_000);
      assert.equal(settled, puts.length);
      for (const result of await results) assert.match(String((result as PromiseRejectedResult).reason), /database: SQLITE_BUSY/);
      assert.deepEqual(await stores.outbox.all(), []);
    }
    other.exec('COMMIT');
    other.close();
    assert.equal(await stores.outbox.put(outboxRow(1)), 'accepted');
    await stores.close();
  });

  it('moves the log into the database from another thread', async () => {
    const stores = openSqlite({ file });
    const encoded = 'x'.repeat(50_000);
    for (let n = 0; n < 300; n++) await stores.outbox.put(outboxRow(n, { encoded }));
    const before = statSync(`${file}-wal`).size;
    for (let n = 0; n < 300 && statSync(file).size < 1_000_000; n++)
      await stores.outbox.put(outboxRow(1_000 + n, { from: 'b', encoded: 'x' }));
    assert.ok(before > 4_194_304);
    assert.ok(statSync(file).size > 1_000_000);
    assert.equal((await stores.outbox.find(idOf(299)))?.id, idOf(299));
    await stores.close();
  });
});

describe('group commit', () => {
  let db: Database.Database;
  let commits: Commits;
  let count: number;
  let failures: number;
  const rows = () => db.prepare('SELECT n FROM t ORDER BY n').pluck().all();
  const insert = (n: number, text = '') => commits.change(() => db.prepare('INSERT INTO t VALUES (?, ?)').run(n, text).changes);
  beforeEach(() => {
    db = new Database(':memory:');
    db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)');
    [count, failures] = [0, 0];
    commits = new Commits(db, systemClock, { committed: () => count++, failed: () => failures++ });
  });
  afterEach(() => db.close());

  it('puts the changes of one turn into few commits, in order', async () => {
    const seen: number[] = [];
    await Promise.all(Array.from({ length: 45 }, (_, n) => insert(n).then(() => seen.push(n))));
    assert.equal(count, 3);
    assert.deepEqual(
      seen,
      Array.from({ length: 45 }, (_, n) => n),
    );
  });

  it('undoes a failing change alone, also the half of it that was written', async () => {
    const half = commits.change(() => {
      db.exec('INSERT INTO t VALUES (2, NULL)');
      throw new VollyError('stale_list');
    });
    const results = await Promise.allSettled([insert(1), half, insert(1), insert(3)]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? 'ok' : (result.reason as VollyError).code)),
      ['ok', 'stale_list', 'database', 'ok'],
    );
    assert.deepEqual(rows(), [1, 3]);
    assert.deepEqual([count, failures], [1, 0]);
  });

  it('tells of a change that the disk refuses, and not of one that its store refuses', async () => {
    const refuses = (error: Error) =>
      assert.rejects(
        commits.change(() => {
          throw error;
        }),
      );
    await refuses(Object.assign(new Error('no'), { code: 'SQLITE_CORRUPT' }));
    assert.deepEqual([count, failures], [0, 1]);
    await refuses(Object.assign(new Error('no'), { code: 'SQLITE_CONSTRAINT_UNIQUE' }));
    await refuses(new VollyError('stale_list'));
    assert.deepEqual([count, failures], [2, 1]);
  });

  it('on a full disk fails what does not fit, keeps its neighbours, and works again when there is room', async () => {
    db.pragma(`max_page_count = ${(db.pragma('page_count', { simple: true }) as number) + 4}`);
    const results = await Promise.allSettled([insert(1), insert(2, 'x'.repeat(100_000)), insert(3)]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(rows(), [1, 3]);
    assert.equal(failures, 1);
    db.pragma('max_page_count = 100000');
    await insert(2, 'x'.repeat(100_000));
    assert.deepEqual(rows(), [1, 2, 3]);
  });
});
