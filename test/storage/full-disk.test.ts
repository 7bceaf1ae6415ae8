/** A disk that is really full: a tmpfs. Where none can be mounted, test/storage/sqlite.test.ts has SQLite's own limit of pages. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { alice, Bridge, bob, eventsOf, fern, message, orchid } from '../routing/bridge.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { idOf, outboxRow, phone } from './rows.ts';

const FULL = { code: 'database', message: /SQLITE_FULL/ };

describe('a full disk', () => {
  let disk: SmallDisk;
  let file: string;
  let stores: Stores;
  const clock = new ManualClock();
  const mounted = (kilobytes: number): void => {
    const small = SmallDisk.mount(kilobytes);
    if (!small) throw new Error('mounted a moment ago, and now not');
    disk = small;
    file = join(disk.path, 'bridge.db');
    stores = openSqlite({ file, clock });
  };

  before(function () {
    const small = SmallDisk.mount(64);
    small?.unmount();
    if (small) return;
    console.log('      (no tmpfs can be mounted here: a full disk is SQLite’s max_page_count alone)');
    this.skip();
  });
  afterEach(async () => {
    await stores.close();
    disk.unmount();
  });

  it('is refused in words for as long as it lasts, and is over by itself', async () => {
    mounted(4_096);
    await stores.outbox.put(outboxRow(1));
    disk.fill();
    for (let n = 0; n < 5; n++) {
      const tries = [2, 3, 4].map((i) => stores.outbox.put(outboxRow(i, { encoded: 'x'.repeat(20_000) })));
      for (const tried of await Promise.allSettled(tries)) assert.equal(tried.status, 'rejected');
      await assert.rejects(stores.journal.append('sync', 'x'.repeat(20_000)), FULL);
    }
    // What is there can be read.
    assert.deepEqual(await stores.outbox.all(), [outboxRow(1)]);
    assert.deepEqual(await stores.inbox.waiting(phone), []);
    disk.empty();
    await stores.outbox.put(outboxRow(2));
    await stores.journal.append('sync', 'raw');
    await stores.close();
    stores = openSqlite({ file });
    assert.deepEqual(await stores.outbox.all(), [outboxRow(1), outboxRow(2)]);
    assert.equal((await stores.journal.pending('sync')).length, 1);
  });

  it('leaves the log where it is, and moves it once there is room', async () => {
    mounted(16_384);
    const log = () => statSync(`${file}-wal`).size;
    let n = 0;
    const put = (bytes: number) => stores.outbox.put(outboxRow(++n, { from: `m${n}@a.example/D`, encoded: 'x'.repeat(bytes) }));
    while (n < 60) await put(80_000);
    // Room for the log to grow a little, and none for the database.
    disk.fill(1_500_000);
    // After the 64th commit the other thread tries, in its own time, and takes what room there is.
    while (n < 64) await put(1);
    await sleep(500);
    assert.ok(log() > 4_500_000, `${log()} bytes of log`);
    assert.ok(statSync(file).size < 3_000_000, `${statSync(file).size} bytes of database`);
    disk.empty();
    // It tries again after each 64 commits. Without a wait in between they would fill the disk anew before it has its turn on a busy machine.
    for (let tries = 0; tries < 30 && statSync(file).size < 4_000_000; tries++) {
      for (let i = 0; i < 10; i++) await put(1);
      await sleep(50);
    }
    assert.ok(statSync(file).size >= 4_000_000, `${statSync(file).size} bytes of database`);
    assert.equal((await stores.outbox.find(idOf(1)))?.id, idOf(1));
  });

  it('has the junction accept and acknowledge nothing, and go on when there is room', async () => {
    mounted(4_096);
    const network = new SimulatedNetwork(clock);
    network.attach(fern, () => {});
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores });
    await settle();
    await a.junction.start();
    a.offline.add(alice);
    const ended = message(clock);
    await a.send(ended);
    await clock.advance(20_000);
    disk.fill();
    const big = (from = alice, to = bob) => message(clock, { from, to, bytes: 20_000 });
    const refused = big();
    for (let i = 0; i < 4; i++) {
      await assert.rejects(a.send(refused), { code: 'database' });
      a.receive(fern, [encodeEnvelope(big(bob, alice))]);
      await clock.advance(3_000);
    }
    assert.deepEqual(a.refused, ['database', 'database', 'database', 'database']);
    assert.deepEqual(eventsOf(network, 'app.volly.ack'), []);
    disk.empty();
    await a.send(refused);
    a.receive(fern, [encodeEnvelope(big(bob, alice))]);
    await clock.advance(3_000);
    assert.equal(eventsOf(network, 'app.volly.ack').length, 1);
    const connecting = a.connect(alice);
    await clock.advance(100);
    await connecting;
    assert.deepEqual(a.delivered.map(({ type }) => type).sort(), ['app.volly.call.candidates', 'app.volly.undeliverable']);
    assert.deepEqual(a.ends(ended.id), ['unconfirmed']);
    const stopping = a.junction.stop();
    await clock.advance(4_000);
    await stopping;
  });
});
