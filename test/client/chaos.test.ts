/** Envelopes lost, repeated, delayed and reordered by a seed: every call comes to a definite end, and nothing throws. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, Watcher, World } from './world.ts';

const ROUNDS = 12;

describe('calls over a bad way', () => {
  it('repeated and reordered envelopes change nothing', async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const world = new World();
      const alice = await world.client({ member: ALICE });
      const bob = await world.client({ member: BOB });
      const watchers = [new Watcher(alice), new Watcher(bob)];
      await world.settle();
      world.bridge.chaos(seed, { twice: 0.3, delayed: 0.6, delayMs: 3_000 });
      const [callerPc, calleePc] = [new FakePeerConnection(), new FakePeerConnection()];
      const call = await alice.call(BOB, { pc: callerPc });
      callerPc.findCandidates(5);
      await world.advance(3_100);
      const incoming = watchers[1]!.incoming[0];
      assert.ok(incoming && watchers[1]!.incoming.length === 1, `seed ${seed}: rings once`);
      const answered = await incoming.accept({ pc: calleePc });
      for (let i = 0; i < 4; i++) {
        calleePc.findCandidates(2);
        await world.advance(200);
      }
      await world.advance(10_000);
      assert.deepEqual([call.state, answered.state], ['active', 'active'], `seed ${seed}`);
      await call.restartIce();
      await world.advance(10_000);
      assert.deepEqual([call.epoch, answered.epoch], [2, 2], `seed ${seed}`);
      assert.deepEqual([callerPc.remoteCandidates.length, calleePc.remoteCandidates.length], [8, 5], `seed ${seed}`);
      await answered.hangUp();
      await world.advance(4_000);
      assert.equal(call.end?.reason, 'hangup', `seed ${seed}`);
      assert.deepEqual(
        watchers.flatMap(({ faults }) => faults),
        [],
      );
      await world.close();
    }
  });

  it('lost envelopes end a call on both sides, and the next one works', async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const world = new World();
      const alice = await world.client({ member: ALICE });
      const bob = await world.client({ member: BOB });
      const watchers = [new Watcher(alice), new Watcher(bob)];
      await world.settle();
      bob.on('incoming', (incoming) => void incoming.accept({ pc: new FakePeerConnection() }).catch(() => {}));
      world.bridge.chaos(seed, { lost: 0.3, delayed: 0.3 });
      const pc = new FakePeerConnection();
      const calling = alice.call(BOB, { pc }).catch(() => undefined);
      await world.advance(LIMITS.keysWaitMs + 1_000);
      const call = await calling;
      if (call) {
        for (let i = 0; i < 20; i++) {
          pc.findCandidates(1);
          await world.advance(10_000);
        }
        await call.hangUp();
        await world.advance(200_000);
        assert.ok(call.end, `seed ${seed}`);
      }
      world.bridge.fate = () => undefined;
      await world.advance(1_000);
      const next = await alice.call(BOB, { pc: new FakePeerConnection() });
      await world.settle();
      assert.equal(next.state, 'active', `seed ${seed}`);
      assert.deepEqual(
        watchers.flatMap(({ faults }) => faults),
        [],
      );
      await world.close();
    }
  });
});
