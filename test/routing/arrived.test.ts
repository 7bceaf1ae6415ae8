import assert from 'node:assert/strict';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, fern, message, offer, orchid } from './bridge.ts';

describe('what waits for a device that connects', () => {
  let clock: ManualClock;
  let arrive: () => void;
  let b: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    arrive = resolve;
    b = new Bridge({ server: fern, clock, networks: [new SimulatedNetwork(clock)], devices: [bob], arrived: () => arrived });
    await b.junction.start();
    b.offline.add(bob);
    b.receive(orchid, [encodeEnvelope(offer(clock, alice, bob))]);
    await settle();
  });

  it('is read once what was journaled by then is routed: a hangup comes with its offer', async () => {
    const connecting = b.connect(bob);
    await settle();
    b.receive(orchid, [encodeEnvelope(message(clock, { from: alice, to: bob, type: 'app.volly.call.hangup' }))]);
    await settle();
    assert.deepEqual(
      b.delivered.filter(({ type }) => type === 'app.volly.call.offer'),
      [],
    );
    arrive();
    await connecting;
    const types = new Set(b.delivered.map(({ type }) => type));
    assert.deepEqual(types, new Set(['app.volly.call.offer', 'app.volly.call.hangup']));
  });

  it('is not what came to its end while the store was read: its sender is told that nobody took it', async () => {
    arrive();
    const { inbox } = b.stores;
    const waiting = inbox.waiting.bind(inbox);
    const { promise: slow, resolve: answer } = Promise.withResolvers<void>();
    inbox.waiting = async (device) => {
      const rows = await waiting(device);
      await slow;
      return rows;
    };
    const connecting = b.connect(bob);
    await clock.advance(61_000);
    answer();
    await connecting;
    assert.deepEqual(b.delivered, []);
  });

  it('is read after 2 s all the same', async () => {
    const connecting = b.connect(bob);
    await clock.advance(1_900);
    assert.equal(b.delivered.length, 0);
    await clock.advance(200);
    await connecting;
    assert.equal(b.delivered.length, 1);
  });
});
