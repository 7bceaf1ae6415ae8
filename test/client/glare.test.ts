/** Two who call each other at once are in one call, and nobody's phone rings. */
import assert from 'node:assert/strict';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, connectCall, Watcher, World } from './world.ts';

describe('glare', () => {
  it('both call at once: the lesser call id wins, the other side answers by itself', async () => {
    const world = new World();
    const alice = await world.client({ member: ALICE });
    const bob = await world.client({ member: BOB });
    const [atAlice, atBob] = [new Watcher(alice), new Watcher(bob)];
    await world.settle();
    // They know each other: glare is only between pinned identities.
    const first = await connectCall(world, alice, bob, atBob);
    await first.caller.hangUp();
    await world.settle();

    const seen = new Set<string>();
    for (let round = 0; round < 6; round++) {
      world.bridge.fate = ({ type }) => (type === 'app.volly.call.offer' ? 20 : undefined);
      const [pcA, pcB] = [new FakePeerConnection(['audio']), new FakePeerConnection(['audio'])];
      const [a, b] = await Promise.all([alice.call(BOB, { pc: pcA }), bob.call(ALICE, { pc: pcB })]);
      pcA.findCandidates(1);
      pcB.findCandidates(1);
      await world.advance(500);
      assert.deepEqual([a.state, b.state], ['active', 'active']);
      assert.equal(a.id, b.id);
      assert.deepEqual([a.role, b.role].sort(), ['callee', 'caller']);
      seen.add(String(a.role));
      const loser = a.role === 'callee' ? pcA : pcB;
      assert.deepEqual(loser.log, ['local offer', 'local rollback', 'remote offer', 'local answer']);
      await a.hangUp();
      await world.settle();
      assert.equal(b.end?.reason, 'hangup');
    }
    assert.equal(seen.size, 2, 'each side won at least once');
    assert.deepEqual([atAlice.incoming.length, atBob.incoming.length], [0, 1]);
    assert.deepEqual([...atAlice.faults, ...atBob.faults], []);
    await world.close();
  });
});
