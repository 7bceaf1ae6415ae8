import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { isAcked } from '../../src/protocol/envelope.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, type Bridge, bob, message, offer, pair, type Sealed } from './bridge.ts';

const TYPES: readonly Sealed[] = ['app.volly.call.candidates', 'app.volly.call.hangup', 'app.volly.call.heartbeat'];

describe('two bridges over a network that loses, doubles and reorders', () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`brings every envelope exactly once or ends it definitely (seed ${seed})`, async () => {
      const clock = new ManualClock();
      const network = new SimulatedNetwork(clock, seed, { drop: 0.4, duplicate: 0.3, delayMs: [5, 700] });
      const { a, b } = await pair(clock, network);
      const sent: { id: ReturnType<typeof message>['id']; from: Bridge; to: Bridge }[] = [];
      for (let i = 0; i < 60; i++) {
        const [from, to, here, there] = i % 2 ? ([a, b, alice, bob] as const) : ([b, a, bob, alice] as const);
        const envelope =
          i % 5 === 0
            ? offer(clock, here, there)
            : message(clock, { from: here, to: there, type: TYPES[i % 3]!, bytes: i * 200 + 1 });
        await from.send(envelope);
        sent.push({ id: envelope.id, from, to });
        await clock.advance(i * 7);
      }
      await clock.advance(70_000);
      const arrived = sent.filter(({ id, to }) => to.got(id) > 0);
      for (const { id, from, to } of sent) {
        assert.ok(to.got(id) <= 1, 'handed over once');
        assert.ok(to.got(id) === 1 || from.ends(id).length === 1, 'arrived or ended');
        assert.ok(from.ends(id).every((reason) => reason === 'unconfirmed'));
      }
      // Five or more tries at 40 % loss: without repeating, 24 would be lost.
      assert.ok(arrived.length >= 58, `${arrived.length} of 60`);
      checkEvents(network);
      assert.deepEqual(await a.stores.outbox.all(), []);
      for (const bridge of [a, b]) assert.deepEqual(bridge.junction.load(), { peers: 0, bytes: 0 });
      assert.deepEqual(
        [...a.refused, ...b.refused].filter((code) => code !== 'expired'),
        [],
      );
    });

  it('is quiet once all is acknowledged', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const { a } = await pair(clock, network);
    for (let i = 0; i < 5; i++) await a.send(message(clock));
    await clock.advance(5_000);
    const before = network.sent.length;
    await clock.advance(120_000);
    assert.equal(network.sent.length, before);
    // What is left is two timers a bridge, the sweep and the next round of hellos.
    assert.equal(clock.timers, 4);
  });
});

/** One type an event, sizes kept, and every transmission of an id the same bytes. */
function checkEvents(network: SimulatedNetwork): void {
  const bytesOf = new Map<string, string>();
  for (const { type, encoded } of network.sent) {
    assert.ok(encoded.length <= LIMITS.envelopesPerEvent);
    assert.ok(encoded.join('').length <= LIMITS.eventBytes);
    for (const text of encoded) {
      const envelope = JSON.parse(text) as { id: string; type: typeof type };
      assert.equal(envelope.type, type);
      assert.equal(bytesOf.get(envelope.id) ?? text, text);
      if (isAcked(type)) bytesOf.set(envelope.id, text);
    }
  }
}
