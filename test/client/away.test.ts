/** Apps come and go: what was for one that is away, and what a connection carried that went silent. PROTOCOL.md sections 11 and 14.5. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { type App, House } from './house.ts';

const ALICE = 'alice@orchid.example';
const BOB = 'bob@maple.example';

describe('apps come and go', () => {
  let house: House;
  let alice: App;
  let bob: App;

  /** Alice calls; the offer is with Bob's bridge when it resolves. */
  const call = async () => {
    const calling = alice.client.call(BOB, { pc: new FakePeerConnection() });
    let made = false;
    void calling.then(() => {
      made = true;
    });
    await house.until('the offer is made', () => made);
    return calling;
  };
  const talk = async () => {
    const calleePc = new FakePeerConnection();
    const rang = bob.rings;
    const calling = await call();
    await house.until('it rings', () => bob.rings > rang);
    const answered = await bob.watcher.ringing.accept({ pc: calleePc });
    await house.until('both are active', () => calling.state === 'active' && answered.state === 'active');
    return { calling, answered, callerPc: calling.pc as FakePeerConnection, calleePc };
  };

  beforeEach(async () => {
    house = new House();
    alice = await house.app(ALICE);
    bob = await house.app(BOB);
  });

  it('an app that comes back within the offer’s life rings its whole time', async () => {
    bob.kill();
    const calling = await call();
    await house.until('delivered', () => calling.progress === 'delivered');
    await house.clock.advance(50_000);
    await bob.start();
    await house.until('it rings', () => bob.rings === 1);
    await house.until('the caller hears it', () => calling.progress === 'ringing');
    await house.clock.advance(LIMITS.ringMs - 5_000);
    const answered = await bob.watcher.ringing.accept({ pc: new FakePeerConnection() });
    await house.until('both are active', () => calling.state === 'active' && answered.state === 'active');
  });

  it('an app that comes back later does not ring, and the caller has been told', async () => {
    bob.kill();
    const calling = await call();
    await house.clock.advance(LIMITS.offerLifeMs + 2_000);
    assert.deepEqual(calling.end, { reason: 'undeliverable', by: 'itself' });
    await bob.start();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
  });

  it('an app that comes back to an offer and its hangup does not ring', async () => {
    bob.kill();
    const calling = await call();
    await house.clock.advance(2_000);
    await calling.hangUp();
    // Longer than other messages live.
    await house.clock.advance(LIMITS.messageLifeMs + 10_000);
    await bob.start();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
  });

  it('an app that is killed between a hangup and the offer that it overtook does not ring when it is back', async () => {
    bob.community.held.add('app.volly.call.offer');
    const calling = await call();
    await calling.hangUp();
    await house.clock.advance(1_000);
    bob.kill();
    await bob.start();
    await bob.community.release();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
    // And neither does it when it is there all the time.
    bob.community.held.add('app.volly.call.offer');
    await (await call()).hangUp();
    await house.clock.advance(1_000);
    await bob.community.release();
    assert.equal(bob.rings, 0);
    await talk();
  });

  it('an offer that the other community never acknowledges ends as unconfirmed, and does not ring when it comes at last', async () => {
    bob.community.held.add('app.volly.call.offer');
    const calling = await call();
    await house.clock.advance(LIMITS.offerLifeMs + LIMITS.confirmMs - 1_000);
    assert.equal(calling.progress, 'calling');
    await house.clock.advance(2_000);
    assert.deepEqual(calling.end, { reason: 'unconfirmed', by: 'itself' });
    await bob.community.release();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
  });

  it('an offer that was handed to a socket gone silent ends as unconfirmed by the other bridge, and does not ring later', async () => {
    bob.vanish();
    const calling = await call();
    await house.until('delivered', () => calling.progress === 'delivered');
    await house.clock.advance(1_000);
    bob.kill();
    await house.clock.advance(LIMITS.offerLifeMs);
    assert.deepEqual(calling.end, { reason: 'unconfirmed', by: 'itself' });
    const words = alice.community.arrived.filter(({ type }) => type === 'app.volly.undeliverable');
    assert.equal(words.length, 1);
    await house.clock.advance(1_000);
    // Had it arrived, this would have ended its ring.
    assert.ok(bob.community.arrived.some(({ type }) => type === 'app.volly.call.hangup'));
    await bob.start();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
  });

  it('a phone that rings for a caller who heard neither of it nor of the offer stops with the caller', async () => {
    for (const type of ['ack', 'call.ringing'] as const) alice.community.held.add(`app.volly.${type}`);
    bob.kill();
    const calling = await call();
    await house.clock.advance(LIMITS.offerLifeMs - 5_000);
    await bob.start();
    await house.until('it rings', () => bob.rings === 1);
    await house.clock.advance(LIMITS.confirmMs + 7_000);
    assert.equal(calling.end?.reason, 'unconfirmed');
    assert.deepEqual(bob.watcher.ringing.end, { reason: 'unconfirmed', by: 'remote' });
  });

  it('a killed app that starts again hears nothing twice', async () => {
    const { calling } = await talk();
    bob.kill();
    await bob.start();
    await house.clock.advance(5_000);
    assert.equal(bob.rings, 0);
    // Its call died with it: nobody keeps that alive.
    await house.clock.advance(LIMITS.heartbeatLostMs + LIMITS.heartbeatMs);
    assert.deepEqual(calling.end, { reason: 'signalling_lost', by: 'itself' });
  });

  for (const side of ['caller', 'callee'] as const)
    it(`a network that vanishes is noticed within two heartbeats, and both sides agree on what became of the call (${side})`, async () => {
      const { calling, answered, callerPc, calleePc } = await talk();
      for (const pc of [callerPc, calleePc]) pc.connect();
      const app = side === 'caller' ? alice : bob;
      const states: string[] = [];
      app.client.on('connection', ({ kind, ...rest }) => states.push('resumed' in rest ? `${kind} ${rest.resumed}` : kind));
      app.vanish();
      await house.until('it is noticed', () => states[0] === 'offline', 2 * LIMITS.pingMs);
      await house.until('it is back', () => states.at(-1) === 'online true', 1_000);
      // A heartbeat of the silence may not have lived long enough: that ends nobody's conversation.
      await house.clock.advance(LIMITS.heartbeatMs + LIMITS.gapMs + 2_000);
      assert.deepEqual([calling.state, answered.state], ['active', 'active']);
      await calling.hangUp();
      await house.clock.advance(1_000);
      assert.deepEqual(answered.end, { reason: 'hangup', by: 'remote' });
      await talk();
    });

  for (const last of ['caller', 'callee', 'media'] as const)
    it(`40 s without a path between the communities leave a call talking, until it ends by its ${last}`, async () => {
      const { calling, answered, callerPc, calleePc } = await talk();
      for (const pc of [callerPc, calleePc]) pc.connect();
      await house.clock.advance(LIMITS.heartbeatMs - 1_000);
      house.network.cut = true;
      await house.clock.advance(40_000);
      house.network.cut = false;
      await house.clock.advance(LIMITS.heartbeatMs + LIMITS.gapMs + 20_000);
      // Heartbeats were lost for good: both sides know.
      for (const call of [calling, answered]) await assert.rejects(call.restartIce(), { code: 'signalling_lost' });
      await house.clock.advance(10 * LIMITS.heartbeatLostMs);
      assert.deepEqual([calling.state, answered.state], ['active', 'active']);
      if (last === 'media') for (const pc of [callerPc, calleePc]) pc.disconnect();
      else await (last === 'caller' ? calling : answered).hangUp();
      await house.clock.advance(1_000);
      const reason = last === 'media' ? 'signalling_lost' : 'hangup';
      assert.deepEqual([calling.end?.reason, answered.end?.reason], [reason, reason]);
      await talk();
    });

  it('40 s without a path end a call on both sides whose media were cut too', async () => {
    const { calling, answered } = await talk();
    await house.clock.advance(LIMITS.heartbeatMs - 1_000);
    house.network.cut = true;
    await house.clock.advance(40_000);
    house.network.cut = false;
    await house.clock.advance(LIMITS.heartbeatMs + LIMITS.gapMs + 2_000);
    assert.deepEqual([calling.end?.reason, answered.end?.reason], ['signalling_lost', 'signalling_lost']);
  });

  it('an app that is told of another network connects at once, and what it had sent arrives once', async () => {
    const { callerPc, calleePc, calling } = await talk();
    alice.vanish();
    callerPc.findCandidates(2);
    await house.clock.advance(1_000);
    assert.equal(calleePc.remoteCandidates.length, 0);
    alice.client.reconnect();
    assert.equal(alice.client.connection.kind, 'connecting');
    await house.until('it is back', () => alice.client.connection.kind === 'online');
    callerPc.findCandidates(1);
    await house.clock.advance(1_000);
    assert.deepEqual([calleePc.remoteCandidates.length, calling.state], [3, 'active']);
    assert.equal(alice.wires.length, 2);
    // A call made over the new connection works as any.
    await calling.hangUp();
    await house.clock.advance(1_000);
    await talk();
  });
});
