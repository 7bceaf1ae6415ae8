/** What the operator does with communities and members while the bridge runs. */
import assert from 'node:assert/strict';
import { memberOf } from '../../src/ids.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, offer, orchid, pair, wakingFern } from './bridge.ts';

describe('a community that the operator blocks', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  beforeEach(() => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
  });

  it('is refused both ways at once, over a restart, until it is allowed', async () => {
    const { a, b } = await pair(clock, network);
    assert.equal(await a.junction.block(fern, true), true);
    assert.equal(await a.junction.block(fern, true), false);
    assert.equal(a.junction.isAllowed(fern), false);
    await assert.rejects(a.send(message(clock)), { code: 'denied_by_policy' });
    await b.send(message(clock, { from: bob, to: alice }));
    await clock.advance(100);
    assert.deepEqual([...new Set(a.refused)], ['denied_by_policy']);

    const again = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores: a.stores });
    await again.junction.start();
    await assert.rejects(again.send(message(clock)), { code: 'denied_by_policy' });
    assert.equal(await again.junction.block(fern, false), true);
    const sent = message(clock);
    await again.send(sent);
    await clock.advance(1_000);
    assert.equal(b.got(sent.id), 1);
  });

  it('stays denied where the configuration denies it', async () => {
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], policy: { deny: [fern] } });
    await a.junction.start();
    assert.equal(await a.junction.block(fern, false), false);
    assert.equal(a.junction.isAllowed(fern), false);
  });

  it('gets no more of what waits for it, and its senders are told', async () => {
    const { a } = await pair(clock, network);
    network.cut = true;
    const waiting = offer(clock);
    await a.send(waiting);
    await clock.advance(1_000);
    await a.junction.block(fern, true);
    await clock.advance(1_000);
    assert.deepEqual(a.ends(waiting.id), ['unconfirmed']);
    assert.deepEqual(await a.stores.outbox.all(), []);
    network.cut = false;
    network.sent.length = 0;
    await clock.advance(30_000);
    assert.ok(network.sent.every(({ peer }) => peer !== fern));
  });

  it('gets no hello either when an attempt to wake it comes to its end', async () => {
    const { a, resolve } = await wakingFern(clock, network);
    await a.junction.block(fern, true);
    network.sent.length = 0;
    resolve(true);
    await clock.advance(3_000);
    assert.deepEqual(network.sent, []);
  });
});

describe('waking by hand', () => {
  it('sends what waits as soon as the other server answers, and says whether it does', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const { a, b } = await pair(clock, network);
    network.cut = true;
    const waiting = offer(clock);
    await a.send(waiting);
    await clock.advance(8_000);
    assert.equal(await a.junction.wake(fern), false);
    network.cut = false;
    network.sent.length = 0;
    assert.equal(await a.junction.wake(fern), true);
    await clock.advance(1_200);
    assert.equal(b.got(waiting.id), 1);
    assert.ok(eventsOf(network, 'app.volly.hello').length > 0);
  });
});

describe('a suspended member', () => {
  it('is for everybody else one who is not there', async () => {
    const clock = new ManualClock();
    const { a, b } = await pair(clock, new SimulatedNetwork(clock));
    await b.stores.roll.suspend('bob' as never, clock.now());
    const call = offer(clock);
    await a.send(call);
    await clock.advance(1_000);
    assert.deepEqual([a.ends(call.id), b.got(call.id)], [['unknown_member'], 0]);
    await b.stores.roll.suspend('bob' as never, undefined);
    const second = offer(clock);
    await a.send(second);
    await clock.advance(1_000);
    assert.deepEqual([a.ends(second.id), b.got(second.id)], [[], 1]);
  });
});

describe('a member who is removed', () => {
  it('has 2 s for its goodbyes; what waits then is forgotten in memory, what others sent is not', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const stores = memoryStores();
    const carol = 'carol@orchid.example/PHONE' as typeof alice;
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice, carol], stores });
    const b = new Bridge({ server: fern, clock, networks: [network], devices: [bob] });
    await Promise.all([a.junction.start(), b.junction.start()]);
    const goodbye = message(clock, { type: 'app.volly.call.hangup' });
    await a.send(goodbye);
    let done = false;
    const forgetting = a.junction.forget(memberOf(alice)).then(() => {
      done = true;
    });
    await clock.advance(1_000);
    assert.deepEqual([done, b.got(goodbye.id)], [true, 1], 'no longer than it takes');
    await forgetting;

    network.cut = true;
    const [lost, kept] = [message(clock), message(clock, { from: carol })];
    await a.send(lost);
    await a.send(kept);
    const later = a.junction.forget(memberOf(alice));
    await clock.advance(2_100);
    await later;
    await stores.roll.remove(memberOf(alice), clock.now(), () => false);
    assert.deepEqual(
      (await stores.outbox.all()).map(({ id }) => id),
      [kept.id],
    );
    network.cut = false;
    await clock.advance(10_000);
    assert.deepEqual([b.got(lost.id), b.got(kept.id)], [0, 1]);
    await clock.advance(60_000);
    assert.deepEqual(a.ends(lost.id), [], 'nobody is there to be told');
    assert.equal(a.junction.load().bytes, 0);
  });
});
