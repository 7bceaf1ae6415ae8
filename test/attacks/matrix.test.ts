/** A hostile homeserver, or a hostile bridge behind an honest one. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { readEvents } from '../../src/matrix/inbound.ts';
import { RECEIVER } from '../../src/matrix/receiver.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { fakeWorld } from '../matrix/fake-world.ts';
import { bench, hello, until } from '../matrix/receiver-contract.ts';

const OFFER = 'app.volly.call.offer';
const own = parseServerName('orchid.example');
const peer = parseServerName('iris.example');
const sender = '@_volly.bridge:iris.example';

/** JSON.parse takes any depth; JSON.stringify overflows its stack somewhere past 3,000. */
const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('attacks by a homeserver or another bridge', () => {
  it('an event nested too deep to be written out again is refused as any other', () => {
    for (const content of [{ envelopes: [deep(20_000)] }, { envelopes: {}, deep: deep(20_000) }]) {
      const { refused, arrivals } = readEvents([{ sender, type: OFFER, content }], own);
      assert.deepEqual([refused.length, arrivals.length], [1, 0]);
    }
    assert.equal(readEvents([{ sender, type: 'app.volly.odd', content: deep(20_000) }], own).refused.length, 1);
  });

  it('a journaled answer that no code foresaw does not keep the bridge from starting', async () => {
    const world = await fakeWorld();
    const stores = memoryStores();
    const event = `{"sender":"${sender}","type":"${OFFER}","content":{"envelopes":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}}`;
    await stores.journal.append(RECEIVER, `{"to_device":{"events":[${event}]}}`);
    const { receiver, route } = bench(world, { stores });
    await receiver.start();
    await world.fromPeer('app.volly.hello', { envelopes: [hello(peer, own)] });
    await until('the next one', () => route.routed.length === 1);
    await receiver.stop();
    await world.close();
    assert.deepEqual(await stores.journal.pending(RECEIVER), []);
  });

  it('a flood of junk of one server is counted whole and kept in part, so that it neither costs a commit each nor drives out the rest', async () => {
    const world = await fakeWorld();
    const { receiver, stores, report } = bench(world);
    await receiver.start();
    const junk = Array.from({ length: LIMITS.envelopesPerEvent }, () => ({ junk: true }));
    for (let i = 0; i < 4; i++) await world.fromPeer(OFFER, { envelopes: junk });
    await until('counted', () => report.counts.get('inbound_refused bad_encoding') === 4 * junk.length);
    await until('settled', () => world.home.kept === 0);
    await sleep(50);
    await receiver.stop();
    await world.close();
    assert.ok((await stores.quarantine.count()) <= 4 * LIMITS.quarantinePerAnswer);
  });
});
