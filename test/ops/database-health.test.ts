import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseHealth } from '../../src/ops/database-health.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock } from '../support/clock.ts';
import { counting } from '../support/counting.ts';
import { SmallDisk } from '../support/small-disk.ts';

describe('the health of the database', () => {
  let clock: ManualClock;
  let health: DatabaseHealth;
  let writes: number;
  let write: (text: string) => Promise<void>;
  beforeEach(() => {
    clock = new ManualClock();
    health = new DatabaseHealth(clock, counting());
    writes = 0;
    write = async () => {
      writes++;
      health.committed(1);
    };
  });
  const check = () => health.check((text) => write(text));

  it('is shown by commits: nothing of our own is written while there are any', async () => {
    for (let n = 0; n < 20; n++) {
      health.committed(1);
      await clock.advance(7_000);
      assert.equal(await check(), true);
    }
    assert.equal(writes, 0);
  });

  it('is shown by a write where nothing was written for 8 s, once for all who ask', async () => {
    assert.deepEqual(await Promise.all([check(), check(), check()]), [true, true, true]);
    assert.equal(writes, 1);
    await clock.advance(7_999);
    await check();
    assert.equal(writes, 1);
    await clock.advance(1);
    await check();
    assert.equal(writes, 2);
  });

  it('is bad from a commit that failed until one that did not', async () => {
    write = async () => {
      health.failed();
      throw new Error('no');
    };
    health.committed(1);
    health.failed();
    assert.equal(await check(), false);
    assert.equal(await check(), false);
    health.committed(1);
    assert.equal(await check(), true);
  });

  it('is bad while a write hangs, after 1 s, and leaves no timer behind', async () => {
    let end = (): void => {};
    write = () =>
      new Promise((resolve) => {
        end = () => {
          health.committed(3_000);
          resolve();
        };
      });
    const first = check();
    await clock.advance(1_000);
    assert.equal(await first, false);
    const second = check();
    end();
    assert.equal(await second, true);
    assert.equal(clock.timers, 0);
  });

  it('is bad on a full disk, and good again when there is room', async function () {
    const disk = SmallDisk.mount(1_024);
    if (!disk) {
      console.log('      (no tmpfs can be mounted here: no disk can be full)');
      return this.skip();
    }
    let stores: Stores | undefined;
    try {
      stores = openSqlite({ file: join(disk.path, 'bridge.db'), clock, watch: health });
      const { facts } = stores;
      write = (text) => facts.set('probe', text);
      assert.equal(await check(), true);
      disk.fill();
      // The log has room of its own for some commits.
      for (let n = 0; n < 300 && (await check()); n++) await clock.advance(8_000);
      assert.equal(await check(), false);
      disk.empty();
      assert.equal(await check(), true);
    } finally {
      await stores?.close();
      disk.unmount();
    }
  });
});
