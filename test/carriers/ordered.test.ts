/** Two carriers in one junction. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { type Bridge, eventsOf, message, offer, pair } from '../routing/bridge.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';

const CANDIDATES = 'app.volly.call.candidates';

describe('a junction with two carriers', () => {
  let clock: ManualClock;
  let first: SimulatedNetwork;
  let second: SimulatedNetwork;
  let a: Bridge;
  let b: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    first = new SimulatedNetwork(clock);
    second = new SimulatedNetwork(clock);
    first.timeoutMs = 2_000;
    ({ a, b } = await pair(clock, first, second));
  });

  it('uses the first, and the second not at all', async () => {
    await a.send(offer(clock));
    await clock.advance(1_000);
    assert.equal(b.delivered.length, 1);
    assert.deepEqual(second.sent, []);
  });

  it('falls back to the second when the first fails, both ways, without a moment’s wait', async () => {
    first.refusal = new VollyError('homeserver_refused');
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(300);
    assert.equal(b.got(envelope.id), 1);
    assert.equal(eventsOf(second, 'app.volly.ack').length, 1);
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('falls back when the first gives no answer in its time; what both brought is handed over once', async () => {
    const slow = new SimulatedNetwork(clock, 1, { acceptMs: 5_000 });
    slow.timeoutMs = 2_000;
    ({ a, b } = await pair(clock, slow, second));
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(1_900);
    assert.equal(b.got(envelope.id), 0);
    await clock.advance(200);
    assert.equal(b.got(envelope.id), 1);
    await clock.advance(10_000);
    assert.equal(b.got(envelope.id), 1);
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('lets the second go on while the first asks to be left alone, and comes back to the first', async () => {
    first.refusal = Object.assign(new VollyError('rate_limited'), { retryAfterMs: 10_000 });
    for (let i = 0; i < 5; i++) {
      await a.send(message(clock));
      await clock.advance(1_000);
    }
    assert.equal(b.delivered.length, 5);
    assert.equal(eventsOf(first, CANDIDATES).length, 1);
    first.refusal = undefined;
    await clock.advance(6_000);
    await a.send(message(clock));
    await clock.advance(1_000);
    assert.equal(eventsOf(first, CANDIDATES).length, 2);
    assert.equal(eventsOf(second, CANDIDATES).length, 5);
  });

  it('wakes a peer by either', async () => {
    first.cut = true;
    second.cut = true;
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(20_000);
    second.cut = false;
    // The first takes what it is given and loses it, as a homeserver with a cut behind it does.
    first.refusal = new VollyError('homeserver_unreachable');
    await clock.advance(4_000);
    assert.equal(b.got(envelope.id), 1);
  });
});
