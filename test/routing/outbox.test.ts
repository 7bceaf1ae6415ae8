import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, mortal, offer, orchid } from './bridge.ts';

const CANDIDATES = 'app.volly.call.candidates';

describe('outbox', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  /** Only Orchid runs: Fern is there and answers nothing. */
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    network.attach(fern, () => {});
    a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice] });
    await a.junction.start();
  });

  it('has the envelope on disk when route resolves', async () => {
    const envelope = message(clock);
    await a.send(envelope);
    assert.deepEqual(
      (await a.stores.outbox.all()).map((row) => row.id),
      [envelope.id],
    );
  });

  it('repeats the same bytes after about 1, 2, 4, 8 s, ends `unconfirmed` 5 s past the end', async () => {
    const wake = () => Promise.reject(new VollyError('rate_limited'));
    const carriers = [{ ...network.carrier(orchid), wake }];
    const a = new Bridge({ server: orchid, clock, networks: [], carriers, devices: [alice] });
    await a.junction.start();
    network.cut = true;
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(29_500);
    const events = eventsOf(network, CANDIDATES);
    assert.ok(events.every((event) => event.encoded[0] === events[0]!.encoded[0]));
    const gaps = events.slice(1).map((event, i) => event.at - events[i]!.at);
    assert.equal(gaps.length, 5);
    [1_000, 2_000, 4_000, 8_000, 8_000].forEach((gap, i) => {
      assert.ok(Math.abs(gaps[i]! - gap) <= gap * 0.15 + 260, `gap ${i}: ${gaps[i]}`);
    });
    assert.deepEqual(a.ends(envelope.id), []);
    await clock.advance(1_000);
    assert.deepEqual(a.ends(envelope.id), ['unconfirmed']);
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('ends `peer_unreachable` what never left', async () => {
    network.refusal = new VollyError('homeserver_refused');
    const never = message(clock);
    await a.send(never);
    await clock.advance(31_000);
    network.refusal = new VollyError('homeserver_unreachable');
    const maybe = message(clock);
    await a.send(maybe);
    await clock.advance(31_000);
    assert.deepEqual(a.ends(never.id), ['peer_unreachable']);
    assert.deepEqual(a.ends(maybe.id), ['unconfirmed']);
  });

  it('wakes a peer after 2 s and every 3 s until it answers, then sends at once and says hello', async () => {
    network.cut = true;
    await a.send(offer(clock));
    await clock.advance(1_900);
    assert.equal(network.woken.length, 0);
    await clock.advance(20_000);
    const gaps = network.woken.slice(1).map((wake, i) => wake.at - network.woken[i]!.at);
    assert.ok(network.woken.length >= 6 && gaps.every((gap) => gap >= 3_000 && gap <= 3_500), String(gaps));
    network.cut = false;
    const before = network.sent.length;
    await clock.advance(3_500);
    const after = network.sent.slice(before).map((event) => event.type);
    assert.ok(after.includes('app.volly.call.offer') && after.includes('app.volly.hello'));
    // The server answers and its bridge does not: no cause to ask every 3 s.
    const woken = network.woken.length;
    await clock.advance(5_000);
    assert.equal(network.woken.length, woken);
  });

  it('goes on after a restart with what it had, and never past its end', async () => {
    network.cut = true;
    const [old, live] = [message(clock), offer(clock)];
    await a.send(old);
    await a.send(live);
    const stopping = a.junction.stop();
    await clock.advance(50);
    await stopping;
    network.cut = false;
    network.sent.length = 0;
    await clock.advance(40_000);
    const b = new Bridge({ server: fern, clock, networks: [network], devices: [bob] });
    const again = new Bridge({ server: orchid, clock, networks: [network], stores: a.stores });
    await again.junction.start();
    await clock.advance(2_000);
    assert.equal(b.got(live.id), 1);
    assert.equal(b.got(old.id), 0);
    assert.deepEqual(again.ends(old.id), ['unconfirmed']);
    assert.deepEqual(await again.stores.outbox.all(), []);
  });

  it('lives no longer where the clock is set back between two runs', async () => {
    for (const crash of [false, true]) {
      network.cut = true;
      const envelope = message(clock);
      const { stores, survivors, kill } = mortal();
      const run = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores });
      await run.junction.start();
      await clock.advance(61_000);
      await run.send({ ...envelope, expires: clock.now() + 25_000 });
      if (crash) kill();
      else {
        const stopping = run.junction.stop();
        await clock.advance(3_000);
        await stopping;
      }
      clock.jump(-3_600_000);
      const again = new Bridge({ server: orchid, clock, networks: [network], stores: survivors });
      await again.junction.start();
      // The time is kept each minute: a second ago.
      await clock.advance(32_000);
      assert.deepEqual(again.ends(envelope.id), ['unconfirmed'], crash ? 'killed' : 'stopped');
    }
  });

  it('is overloaded, in words, before memory is', async () => {
    const results = await Promise.allSettled(Array.from({ length: LIMITS.outboxPerDevice + 3 }, () => a.send(message(clock))));
    const refused = results.filter((result) => result.status === 'rejected').map((result) => (result.reason as VollyError).code);
    assert.deepEqual(refused, ['overloaded', 'overloaded', 'overloaded']);
  });

  it('counts remaining life on a clock that does not jump', async () => {
    network.cut = true;
    const envelope = message(clock);
    await a.send(envelope);
    clock.jump(3_600_000);
    await clock.advance(10_000);
    assert.deepEqual(a.ends(envelope.id), []);
    clock.jump(-7_200_000);
    await clock.advance(21_000);
    assert.deepEqual(a.ends(envelope.id), ['unconfirmed']);
  });
});
