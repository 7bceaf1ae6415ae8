/** In the middle of a call: ICE restarts re-key, collisions are settled, tracks come and go. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { ALICE, BOB, type Connected, connectCall, Watcher, World } from './world.ts';

describe('negotiations in a call', () => {
  let world: World;
  let watchers: Watcher[];
  let call: Connected;

  beforeEach(async () => {
    world = new World();
    const alice: VollyClient = await world.client({ member: ALICE });
    const bob = await world.client({ member: BOB });
    watchers = [new Watcher(alice), new Watcher(bob)];
    await world.settle();
    call = await connectCall(world, alice, bob, watchers[1] as Watcher);
  });

  afterEach(async () => {
    assert.deepEqual(
      watchers.flatMap(({ faults }) => faults),
      [],
    );
    await world.close();
  });

  const epochs = () => [call.caller.epoch, call.callee.epoch];
  const stable = () => [call.callerPc.signalingState, call.calleePc.signalingState];

  it('an ICE restart of either side brings new keys', async () => {
    await call.caller.restartIce();
    await world.settle();
    assert.deepEqual(epochs(), [2, 2]);
    await call.callee.restartIce();
    await world.settle();
    assert.deepEqual([...epochs(), ...stable()], [3, 3, 'stable', 'stable']);
    call.callerPc.findCandidates(1);
    call.calleePc.findCandidates(1);
    await world.advance(100);
    assert.deepEqual([call.callerPc.remoteCandidates.length, call.calleePc.remoteCandidates.length], [1, 1]);
    await call.callee.hangUp();
    await world.settle();
    assert.equal(call.caller.end?.reason, 'hangup');
  });

  it('without an ICE restart the keys stay', async () => {
    call.callerPc.needNegotiation();
    await world.settle();
    assert.deepEqual([...epochs(), ...stable()], [1, 1, 'stable', 'stable']);
    assert.deepEqual(call.calleePc.log.slice(-2), ['remote offer', 'local answer']);
  });

  it('both at once: the impolite caller’s offer stands, the polite callee rolls its own back', async () => {
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.negotiate' ? 50 : undefined);
    await Promise.all([call.caller.restartIce(), call.callee.restartIce()]);
    await world.advance(500);
    assert.deepEqual([...epochs(), ...stable()], [2, 2, 'stable', 'stable']);
    assert.deepEqual(call.calleePc.log.slice(-4), ['local offer', 'local rollback', 'remote offer', 'local answer']);
    assert.deepEqual(call.callerPc.log.slice(-2), ['local offer', 'remote answer']);
    // Afterwards the one that yielded can have its turn.
    await call.callee.restartIce();
    await world.advance(500);
    assert.deepEqual(epochs(), [3, 3]);
  });

  it('messages of the old epoch that come late still open', async () => {
    call.calleePc.findCandidates(1);
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.candidates' ? 300 : undefined);
    await world.advance(100);
    await call.caller.restartIce();
    await world.advance(500);
    assert.deepEqual(epochs(), [2, 2]);
    assert.equal(call.callerPc.remoteCandidates.length, 1);
  });

  it('gaps that are filled one after the other are none that stays, though there is always one', async () => {
    const batch = async (after: number | undefined) => {
      world.bridge.fate = ({ type }) => (type === 'app.volly.call.candidates' ? after : undefined);
      call.callerPc.findCandidates(1);
      await world.advance(5_000);
    };
    // Of two that follow each other the first takes longer, so that the next pair begins before this one is whole.
    for (let pairs = 0; pairs < 5; pairs++) {
      await batch(16_000);
      await batch(undefined);
    }
    assert.deepEqual([call.caller.state, call.callee.state], ['active', 'active']);
    await world.advance(20_000);
    assert.equal(call.calleePc.remoteCandidates.length, 10);
  });

  describe('behind a message that never comes', () => {
    const lost = { code: 'signalling_lost' };
    const refused = (at: number) => watchers[at]?.refused.filter((one) => one === 'signalling_lost call.negotiate').length;

    /** The caller's candidates are lost, and its ICE restart waits at the callee. */
    const gap = async () => {
      for (const pc of [call.callerPc, call.calleePc]) pc.connect();
      call.callerPc.findCandidates(1);
      world.bridge.fate = ({ type }) => (type === 'app.volly.call.candidates' ? 'lost' : undefined);
      await world.advance(100);
      await call.caller.restartIce();
    };

    it('nothing can be agreed on any more, and both sides are told so; the call goes on while its media flow', async () => {
      await gap();
      await world.advance(29_000);
      await call.callee.restartIce();
      await world.advance(2_000);
      // Its own offer was out, and the answer would wait behind the gap.
      assert.deepEqual([refused(0), refused(1)], [0, 1]);
      await assert.rejects(call.callee.restartIce(), lost);
      const { log } = call.calleePc;
      const before = log.length;
      call.calleePc.needNegotiation();
      await world.advance(30_000);
      assert.deepEqual([refused(0), refused(1), log.length], [1, 2, before]);
      await assert.rejects(call.caller.restartIce(), lost);
      await world.advance(600_000);
      assert.deepEqual([call.caller.state, call.callee.state, ...epochs()], ['active', 'active', 1, 1]);
      await call.caller.hangUp();
      await world.settle();
      assert.deepEqual(call.callee.end, { reason: 'hangup', by: 'remote' });
      // What is over is nothing to restart, and no mistake.
      await call.callee.restartIce();
    });

    for (const when of ['before the 30 s are over', 'later'] as const)
      it(`the call ends with its media (${when})`, async () => {
        await gap();
        if (when === 'later') await world.advance(100_000);
        call.calleePc.disconnect();
        if (when !== 'later') {
          await world.advance(29_000);
          assert.equal(call.callee.state, 'active');
          await world.advance(2_000);
        }
        await world.settle();
        assert.deepEqual(call.callee.end, { reason: 'signalling_lost', by: 'itself' });
        assert.deepEqual(call.caller.end, { reason: 'signalling_lost', by: 'remote' });
      });
  });
});
