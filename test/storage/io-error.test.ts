import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';

describe('an I/O error of the disk', () => {
  before(function () {
    if (spawnSync('prlimit', ['--version']).status === 0) return;
    console.log('      (no prlimit here: I/O errors cannot be made)');
    this.skip();
  });

  it('is refused in words, leaves nothing by half, and is over by itself', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'volly-io-'));
    const file = join(directory, 'bridge.db');
    const child = spawnSync(process.execPath, [join(import.meta.dirname, 'io-error-child.ts'), file], { encoding: 'utf8' });
    const refused = 'database: SQLITE_IOERR_WRITE';
    assert.deepEqual(
      JSON.parse(child.stdout),
      { outcomes: ['accepted', refused, refused, refused, 'accepted'], readable: 1 },
      child.stderr,
    );
    const stores = openSqlite({ file });
    assert.equal((await stores.outbox.all()).length, 2);
    await stores.close();
    rmSync(directory, { recursive: true });
  });
});
