/** Copies of a database that is written to. What makes a backup of them is in backup-folder.test.ts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { systemClock as clock } from '../../src/clock.ts';
import { parseLocalpart } from '../../src/ids.ts';
import { checkDatabase, copyDatabase } from '../../src/storage/sqlite/backup.ts';
import { MIGRATIONS } from '../../src/storage/sqlite/migrate.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { outboxRow, phone } from './rows.ts';

/** To copy it takes some 10 ms: the writer makes dozens of promises in that time, if it is let. */
const BALLAST = 8_000_000;

describe('a copy of the database', () => {
  let directory: string;
  let file: string;
  let to: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'volly-copy-'));
    file = join(directory, 'bridge.db');
    to = join(directory, 'copy.db');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('holds all that was promised by its end, while another process writes and goes on writing', async () => {
    const stores = openSqlite({ file });
    await stores.facts.set('ballast', 'x'.repeat(BALLAST));
    const child = spawn(process.execPath, [join(import.meta.dirname, 'kill-child.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const promised: { readonly n: number; readonly at: number }[] = [];
    let copy: ReturnType<typeof copyDatabase> | undefined;
    let end: number | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      const [n, at] = line.split(' ').map(Number) as [number, number];
      promised.push({ n, at });
      if (promised.length === 300) copy = copyDatabase({ file, to, clock });
      void copy?.then(({ takenAt }) => (end ??= takenAt));
      if (end !== undefined && at > end + 20) child.kill('SIGKILL');
    }
    const { takenAt, schema } = await copy!;
    await stores.close();
    assert.equal(schema, MIGRATIONS.length);
    assert.ok(promised.at(-1)!.at > takenAt, 'it went on writing');
    const db = new Database(to, { readonly: true });
    const there = new Set(db.prepare<[], string>('SELECT encoded FROM outbox').pluck().all());
    db.close();
    const before = promised.filter(({ at }) => at < takenAt);
    assert.ok(before.length >= 300);
    assert.deepEqual(
      before.filter(({ n }) => !there.has(String(n))),
      [],
    );
  });

  it('holds rows and no more of what serves once, nor a trace of it', async () => {
    const stores = openSqlite({ file });
    const secret = (n: number) => Buffer.from(`serves once ${n}`.padEnd(32, '.'));
    await stores.outbox.put(outboxRow(1));
    await stores.tickets.add({ hash: secret(1), device: phone, state: secret(2), expires: 9e12 });
    await stores.invites.add({ hash: secret(3), member: parseLocalpart('bob'), expires: 9e12 });
    await stores.facts.set('gone', 'deleted long ago');
    await stores.facts.set('gone', '');
    await copyDatabase({ file, to, clock });
    const bytes = readFileSync(to);
    assert.equal(bytes.includes('serves once'), false);
    assert.equal(bytes.includes('deleted long ago'), false);
    const copied = openSqlite({ file: to });
    assert.deepEqual(await copied.outbox.all(), [outboxRow(1)]);
    assert.equal(await copied.tickets.use(secret(1), 0), undefined);
    await copied.close();
    // In the database itself they go on serving.
    assert.ok(await stores.tickets.use(secret(1), 0));
    await stores.close();
  });

  it('is one file for its owner alone, and takes the place of one that is there', async () => {
    await openSqlite({ file }).close();
    writeFileSync(to, 'something else');
    await copyDatabase({ file, to, clock });
    assert.equal(statSync(to).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('copy')),
      ['copy.db'],
    );
  });

  it('is not made of what is no database of this program', async () => {
    await assert.rejects(copyDatabase({ file, to, clock }), { code: 'database' });
    new Database(file).exec('CREATE TABLE other (n)').close();
    await assert.rejects(copyDatabase({ file, to, clock }), { code: 'bad_backup' });
    const db = new Database(file);
    db.pragma('user_version = 999');
    db.close();
    await assert.rejects(copyDatabase({ file, to, clock }), { code: 'newer_schema' });
  });

  it('that was damaged is found', async () => {
    const stores = openSqlite({ file });
    for (let n = 0; n < 100; n++) await stores.outbox.put(outboxRow(n, { encoded: 'x'.repeat(3_000) }));
    await stores.close();
    await copyDatabase({ file, to, clock });
    assert.equal(checkDatabase(to), MIGRATIONS.length);
    truncateSync(to, statSync(to).size - 8_192);
    assert.throws(() => checkDatabase(to), { code: 'bad_backup' });
    writeFileSync(to, 'no database at all');
    assert.throws(() => checkDatabase(to), { code: 'bad_backup' });
  });
});
