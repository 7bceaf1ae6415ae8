/** Calls between two members, told as their people and peer connections see them. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { VollyError } from '../../src/errors.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, connectCall, Watcher, World } from './world.ts';

describe('client calls', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let atAlice: Watcher;
  let atBob: Watcher;

  beforeEach(async () => {
    world = new World();
    alice = await world.client({ member: ALICE });
    bob = await world.client({ member: BOB });
    atAlice = new Watcher(alice);
    atBob = new Watcher(bob);
    await world.settle();
  });

  afterEach(async () => {
    assert.deepEqual([...atAlice.faults, ...atBob.faults], []);
    await world.close();
  });

  it('one calls, the other answers, candidates trickle both ways, one hangs up', async () => {
    const callerPc = new FakePeerConnection(['audio', 'application']);
    const call = await alice.call(BOB, { pc: callerPc });
    callerPc.findCandidates(2);
    await world.settle();
    assert.deepEqual([call.state, call.role], ['calling', 'caller']);

    const incoming = atBob.ringing;
    assert.deepEqual(
      [incoming.from, incoming.media, incoming.endToEnd, incoming.known],
      [ALICE, { audio: true, video: false, data: true }, true, false],
    );
    const calleePc = new FakePeerConnection();
    const answered = await incoming.accept({ pc: calleePc });
    calleePc.findCandidates(1);
    calleePc.endCandidates();
    await world.advance(100);
    assert.deepEqual([call.state, answered.state], ['active', 'active']);
    assert.deepEqual([call.device, answered.device], [`${BOB}/PHONE`, `${ALICE}/PHONE`]);
    assert.deepEqual([call.epoch, answered.epoch], [1, 1]);
    assert.equal(calleePc.remoteCandidates.length, 2);
    assert.deepEqual(
      callerPc.remoteCandidates.map(({ candidate }) => candidate === ''),
      [false, true],
    );
    assert.equal(calleePc.remoteSdp, callerPc.localSdp);
    assert.equal(callerPc.remoteSdp, calleePc.localSdp);

    const ended = answered.whenEnded();
    await call.hangUp();
    assert.deepEqual(await ended, { reason: 'hangup', by: 'remote' });
    assert.deepEqual(call.end, { reason: 'hangup', by: 'local' });
    assert.ok(callerPc.closed && calleePc.closed);
    await call.hangUp();
  });

  it('candidates found within 100 ms share a message, at most 32 to one', async () => {
    const { callerPc, calleePc } = await connectCall(world, alice, bob, atBob);
    const before = world.bridge.sent.length;
    callerPc.findCandidates(20);
    await world.advance(50);
    callerPc.findCandidates(20);
    await world.advance(50);
    assert.deepEqual(world.bridge.types(before), ['call.candidates', 'call.candidates']);
    assert.equal(calleePc.remoteCandidates.length, 40);
  });

  it('R1 nothing of the callee leaves, and no peer connection exists, before its person accepts', async () => {
    const pc = new FakePeerConnection();
    await alice.call(BOB, { pc });
    const before = world.bridge.sent.filter(({ from }) => from === bob.address).length;
    await world.advance(30_000);
    assert.equal(atBob.incoming.length, 1);
    // An incoming call names its caller and what it is about, and has no way to a track but `accept`.
    assert.deepEqual(
      Object.values(atBob.ringing).filter((value) => value instanceof FakePeerConnection),
      [],
    );
    const sent = world.bridge.sent.filter(({ from }) => from === bob.address).slice(before);
    assert.deepEqual(
      sent.map(({ type }) => type),
      ['app.volly.call.ringing'],
    );
    const calleePc = new FakePeerConnection();
    const accepted = atBob.ringing.accept({ pc: calleePc });
    calleePc.findCandidates(3);
    assert.equal(world.bridge.sent.at(-1)?.type, 'app.volly.call.ringing');
    await accepted;
    await world.settle();
    assert.deepEqual(calleePc.log, ['remote offer', 'local answer']);
  });

  it('a person declines', async () => {
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    await atBob.ringing.reject();
    assert.deepEqual(await call.whenEnded(), { reason: 'declined', by: 'remote' });
    assert.deepEqual(atBob.ringing.end, { reason: 'declined', by: 'local' });
    await assert.rejects(atBob.ringing.accept({ pc: new FakePeerConnection() }), (error) => error instanceof VollyError);
  });

  it('a second caller hears that the member is busy, and nothing rings', async () => {
    await connectCall(world, alice, bob, atBob);
    const carol = await world.client({ member: 'carol@maple.example' });
    const call = await carol.call(BOB, { pc: new FakePeerConnection() });
    assert.deepEqual(await call.whenEnded(), { reason: 'busy', by: 'remote' });
    assert.equal(atBob.incoming.length, 1);
  });

  it('the caller hangs up while it rings', async () => {
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    await call.hangUp();
    await world.settle();
    assert.deepEqual(atBob.ringing.end, { reason: 'hangup', by: 'remote' });
  });

  it('an unknown member: nothing is sent', async () => {
    await assert.rejects(
      alice.call('nobody@maple.example', { pc: new FakePeerConnection() }),
      (error) => error instanceof VollyError && error.code === 'unknown_member',
    );
  });

  it('a lost answer ends both sides', async () => {
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.answer' ? 'lost' : undefined);
    const answered = await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.advance(31_000);
    assert.deepEqual(answered.end, { reason: 'signalling_lost', by: 'itself' });
    assert.deepEqual(call.end, { reason: 'signalling_lost', by: 'remote' });
  });

  it('candidates that overtake the answer, and a select that comes last, are put in order', async () => {
    const callerPc = new FakePeerConnection();
    const call = await alice.call(BOB, { pc: callerPc });
    await world.settle();
    world.bridge.fate = ({ type }) => (/answer$/.test(type) ? 1_000 : undefined);
    const calleePc = new FakePeerConnection();
    const answered = await atBob.ringing.accept({ pc: calleePc });
    calleePc.findCandidates(2);
    await world.advance(500);
    assert.deepEqual([call.state, callerPc.remoteCandidates.length], ['calling', 0]);
    await world.advance(600);
    assert.deepEqual([call.state, callerPc.remoteCandidates.length], ['active', 2]);
    callerPc.findCandidates(1);
    await world.advance(500);
    assert.deepEqual([answered.state, calleePc.remoteCandidates.length], ['answered', 0]);
    await world.advance(1_000);
    assert.deepEqual([answered.state, calleePc.remoteCandidates.length], ['active', 1]);
  });

  it('heartbeats keep a quiet call; without them and without media it ends', async () => {
    const { caller, callee } = await connectCall(world, alice, bob, atBob);
    await world.advance(300_000);
    assert.deepEqual([caller.state, callee.state], ['active', 'active']);
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.heartbeat' ? 'lost' : undefined);
    await world.advance(80_000);
    assert.deepEqual([caller.end?.reason, callee.end?.reason], ['signalling_lost', 'signalling_lost']);
  });

  it('a certificate that is not the signed one ends the call', async () => {
    const { caller, callee, callerPc, calleePc } = await connectCall(world, alice, bob, atBob);
    callerPc.remoteCertificate = calleePc.certificate;
    callerPc.connect();
    await world.settle();
    assert.equal(caller.state, 'active');
    calleePc.remoteCertificate = new TextEncoder().encode('another certificate');
    calleePc.connect();
    await world.settle();
    assert.deepEqual([callee.end?.reason, caller.end?.reason], ['media_mismatch', 'media_mismatch']);
  });

  it('both have the same safety number once they have spoken, and the mark stays', async () => {
    await connectCall(world, alice, bob, atBob);
    assert.match(alice.safetyNumber(BOB), /^\d{60}$/);
    assert.equal(alice.safetyNumber(BOB), bob.safetyNumber(ALICE));
    await alice.markVerified(BOB);
    assert.ok(alice.isVerified(BOB));
  });
});
