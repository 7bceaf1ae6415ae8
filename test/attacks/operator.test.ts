/** What an operator does by mistake. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../src/ops/listen.ts';
import { claimDatabase, isClaimed } from '../../src/storage/sqlite/claim.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';

const module = new URL('../../src/storage/sqlite/claim.ts', import.meta.url).pathname;

describe('mistakes of an operator', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-attack-'));
    file = join(folder, 'volly.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('a claim that is a link leads nobody to another file, as a root who looks whether the bridge runs', () => {
    const other = join(folder, 'passwd');
    writeFileSync(other, 'root:x:0:0', { mode: 0o644 });
    symlinkSync(other, `${file}-claim`);
    assert.throws(() => claimDatabase(file), { code: 'database' });
    assert.throws(() => isClaimed(file));
    assert.deepEqual([statSync(other).mode & 0o777, readFileSync(other, 'utf8')], [0o644, 'root:x:0:0']);
  });

  it('a second bridge on one database is refused, a command beside it is not, and a killed one leaves no claim', async () => {
    const code = `import { claimDatabase, isClaimed } from ${JSON.stringify(module)}; claimDatabase(${JSON.stringify(file)}); console.log('has it'); setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(other.stdout, 'data');
      assert.throws(() => claimDatabase(file), { code: 'database', message: /another running bridge/ });
      assert.equal(isClaimed(file), true);
      await openSqlite({ file }).close();
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    assert.equal(isClaimed(file), false);
    const release = claimDatabase(file);
    assert.throws(() => claimDatabase(file), { code: 'database' });
    assert.equal(statSync(`${file}-claim`).mode & 0o777, 0o600);
    release();
    claimDatabase(file)();
  });

  it('whether a database is held is told without making anything', () => {
    assert.equal(isClaimed(file), false);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('a listener gives up a connection that sends no request, and takes no more connections than it says', async () => {
    const server = createServer();
    const listener = await listen(server, { host: '127.0.0.1', port: 0 });
    assert.ok(server.headersTimeout <= 10_000 && server.requestTimeout <= 60_000);
    server.maxConnections = 1;
    const first = connect(listener.port, '127.0.0.1');
    await once(first, 'connect');
    const second = connect(listener.port, '127.0.0.1').on('error', () => {});
    await once(second, 'close');
    await listener.close();
  });
});
