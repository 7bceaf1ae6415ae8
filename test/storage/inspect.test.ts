import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectDatabase } from '../../src/storage/sqlite/inspect.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';

describe('a look at a database', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-inspect-'));
    file = join(folder, 'volly.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('beside a bridge that uses it, and without one, finds it good and leaves it as it is', async () => {
    const stores = openSqlite({ file });
    await stores.facts.set('name', 'value');
    const beside = inspectDatabase(file);
    assert.ok(beside.state === 'good' && beside.version === beside.known, JSON.stringify(beside));
    await stores.close();
    const before = readFileSync(file);
    assert.deepEqual(inspectDatabase(file), beside);
    assert.deepEqual(readFileSync(file), before);
  });

  it('that is none, or not there, tells which', () => {
    writeFileSync(file, 'x'.repeat(5_000));
    assert.deepEqual(inspectDatabase(file), { state: 'corrupt', reason: 'SQLITE_NOTADB' });
    assert.deepEqual(inspectDatabase(join(folder, 'none.db')), { state: 'unusable', reason: 'SQLITE_CANTOPEN' });
  });
});
