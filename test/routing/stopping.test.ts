import assert from 'node:assert/strict';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, bob, message, pair } from './bridge.ts';

describe('the junction, stopping', () => {
  it('sends the acks it owes, refuses what comes later, leaves no timer and loses nothing', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const { a, b } = await pair(clock, network);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(16);
    assert.equal(b.got(envelope.id), 1);
    const stopping = b.junction.stop();
    await clock.advance(50);
    await stopping;
    assert.deepEqual(await a.stores.outbox.all(), []);
    await assert.rejects(b.send(message(clock, { from: bob, to: alice })), { code: 'shutting_down' });
    const timers = clock.timers;
    await a.junction.stop();
    assert.ok(timers >= 1);
    assert.equal(clock.timers, 0);
  });

  it('does not wait for a request that hangs', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock, 1, { acceptMs: 9_000 });
    const { a } = await pair(clock, network);
    await a.send(message(clock));
    await clock.advance(10);
    let stopped = false;
    void a.junction.stop().then(() => {
      stopped = true;
    });
    await clock.advance(3_000);
    assert.ok(stopped);
    assert.equal((await a.stores.outbox.all()).length, 1);
  });
});
