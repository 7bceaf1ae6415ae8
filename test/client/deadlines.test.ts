/** How long a call may ring and a caller wait, and that each of them comes to its end. PROTOCOL.md section 11. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { LIMITS } from '../../src/limits.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, Watcher, World } from './world.ts';

const ended = (watcher: Watcher) => watcher.ringing.end?.reason;

describe('client deadlines', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let atBob: Watcher;

  const call = () => alice.call(BOB, { pc: new FakePeerConnection() });
  const lose = (...types: string[]) => {
    world.bridge.fate = ({ type }) => (types.includes(type.slice('app.volly.call.'.length)) ? 'lost' : undefined);
  };

  beforeEach(async () => {
    world = new World();
    alice = await world.client({ member: ALICE });
    bob = await world.client({ member: BOB });
    atBob = new Watcher(bob);
    await world.settle();
  });

  afterEach(async () => {
    assert.deepEqual(atBob.faults, []);
    await world.close();
  });

  it('an offer that comes in its last second rings as long as any, and its caller waits for it', async () => {
    world.bridge.offline(bob.address);
    const calling = await call();
    await world.advance(LIMITS.offerLifeMs - 1_000);
    world.bridge.online(bob.address);
    await world.settle();
    assert.equal(atBob.incoming.length, 1);
    await world.advance(LIMITS.ringMs - 1);
    assert.deepEqual([calling.state, ended(atBob)], ['calling', undefined]);
    const answered = await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.settle();
    assert.deepEqual([calling.state, answered.state], ['active', 'active']);
  });

  it('an offer that comes after its life does not ring, and its caller has been told', async () => {
    world.bridge.offline(bob.address);
    const calling = await call();
    await world.advance(LIMITS.offerLifeMs + 1);
    assert.deepEqual(calling.end, { reason: 'undeliverable', by: 'itself' });
    world.bridge.online(bob.address);
    await world.advance(LIMITS.ringMs);
    assert.deepEqual(atBob.incoming, []);
  });

  it('the phone stops first, and its caller gives up a little later, once and for all', async () => {
    const calling = await call();
    await world.settle();
    await world.advance(LIMITS.ringMs);
    assert.deepEqual([ended(atBob), calling.state], ['expired', 'calling']);
    await world.advance(LIMITS.answerWaitMs - LIMITS.ringMs);
    assert.deepEqual(calling.end, { reason: 'no_answer', by: 'itself' });
  });

  it('a phone that cannot say that it rings is found by its caller’s farewell', async () => {
    lose('ringing');
    const calling = await call();
    await world.advance(LIMITS.offerLifeMs - 1_000);
    assert.equal(calling.state, 'calling');
    await world.advance(LIMITS.offerWaitMs);
    assert.deepEqual([calling.end?.reason, ended(atBob)], ['no_answer', 'expired']);
  });

  it('a call that was hung up never rings, however late in the offer’s life its callee comes back', async () => {
    for (const seconds of [3, 35, 59]) {
      world.bridge.offline(bob.address);
      const calling = await call();
      await world.advance(1_000);
      await calling.hangUp();
      await world.advance((seconds - 1) * 1_000);
      world.bridge.online(bob.address);
      await world.settle();
      assert.deepEqual(atBob.incoming, [], `${seconds} s`);
    }
  });

  it('an answer whose select is lost ends both sides, also where the farewell is lost', async () => {
    lose('select_answer', 'hangup');
    const calling = await call();
    await world.settle();
    const answered = await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.advance(LIMITS.selectWaitMs);
    assert.deepEqual([answered.end?.reason, calling.state], ['signalling_lost', 'active']);
    await world.advance(LIMITS.heartbeatLostMs);
    assert.deepEqual(calling.end, { reason: 'signalling_lost', by: 'itself' });
  });

  it('an answer that is lost ends both sides, also where the farewell is lost', async () => {
    lose('answer', 'hangup');
    const calling = await call();
    await world.settle();
    const answered = await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.advance(LIMITS.answerWaitMs);
    assert.deepEqual([answered.end?.reason, calling.end?.reason], ['signalling_lost', 'no_answer']);
  });
});
