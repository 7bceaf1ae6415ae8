/** SIGKILL at any moment: what resolved is on disk, and what belongs together is there together. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';

const KILLS = 3;

/** Runs the writer until it has reported `enough` promises, kills it, and returns the last entry that it was promised. */
async function runAndKill(file: string, enough: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'kill-child.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let promised = 0;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    promised = Math.max(promised, Number.parseInt(line, 10));
    if (++lines === enough) child.kill('SIGKILL');
  }
  return promised;
}

describe('stores in SQLite, killed', () => {
  it('keeps all that resolved, and the entries of the journal in order without a gap', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'volly-kill-'));
    const file = join(directory, 'bridge.db');
    for (let kill = 1; kill <= KILLS; kill++) {
      const promised = await runAndKill(file, 100 + 37 * kill);
      const stores = openSqlite({ file });
      const entries = (await stores.journal.pending('sync')).map((row) => Number(row.raw));
      const sent = new Set((await stores.outbox.all()).map((row) => row.encoded));
      assert.ok(promised > 0 && entries.length >= promised, `${entries.length} entries, ${promised} promised`);
      entries.forEach((n, i) => {
        assert.equal(n, i + 1);
      });
      for (let n = 1; n <= promised; n++) assert.ok(sent.has(String(n)), `${n} of the outbox`);
      await stores.close();
    }
    rmSync(directory, { recursive: true });
  });
});
