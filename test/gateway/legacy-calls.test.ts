/** A legacy app and an app of the SDK call each other through the adapter. PROTOCOL.md section 16. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { newEnvelopeId, parseDeviceAddress, parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { BOB, Watcher } from '../client/world.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { type FakeApp, LegacyWorld, OLGA, OTTO } from './legacy-world.ts';

const candidateOf = (pc: FakePeerConnection, n: number) =>
  `candidate:${n} 1 udp 2122260223 192.0.2.${n} 50000 typ host generation 0 ufrag ${pc.ufrag}`;

/** As a browser's description reads when gathering has ended: candidates, addresses and ports in it. */
async function gathered(pc: FakePeerConnection, type: 'offer' | 'answer' = 'offer'): Promise<string> {
  const { sdp } = await (type === 'offer' ? pc.createOffer() : pc.createAnswer());
  return sdp
    .replace('c=IN IP4 0.0.0.0', 'c=IN IP4 192.0.2.1')
    .replace(/(a=mid:0\r\n)/, `$1a=${candidateOf(pc, 1)}\r\na=${candidateOf(pc, 2)}\r\na=end-of-candidates\r\n`);
}

describe('legacy calls', () => {
  let world: LegacyWorld;
  let bob: VollyClient;
  let atBob: Watcher;
  let olga: FakeApp;
  let credential: string;
  let pc: FakePeerConnection;

  beforeEach(async () => {
    world = new LegacyWorld();
    bob = await world.client({ member: BOB });
    atBob = new Watcher(bob);
    ({ app: olga, credential } = await world.member(OLGA));
    pc = new FakePeerConnection();
    await world.settle();
  });

  afterEach(async () => {
    assert.deepEqual(atBob.faults, []);
    assert.deepEqual(world.warnings, []);
    await world.close();
  });

  /** Olga calls, Bob answers. */
  async function call() {
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.settle();
    const bobPc = new FakePeerConnection();
    const answered = await atBob.ringing.accept({ pc: bobPc });
    await world.settle();
    return { answered, bobPc };
  }

  /** Bob calls, Olga answers. */
  async function answer() {
    const bobPc = new FakePeerConnection();
    const calling = await bob.call(OLGA, { pc: bobPc, allowLegacy: true });
    await world.settle();
    const { sdp } = olga.last('offer');
    await pc.setRemoteDescription({ type: 'offer', sdp: sdp as string });
    olga.say({ type: 'answer', to: BOB, sdp: await gathered(pc, 'answer') });
    await world.settle();
    return { calling, bobPc };
  }

  it('calls: marked as not end to end, candidates out of the SDP and after select, hangup of the caller', async () => {
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    olga.say({ type: 'candidate', to: BOB, candidate: { candidate: candidateOf(pc, 3), sdpMid: '0', sdpMLineIndex: 0 } });
    await world.settle();
    const incoming = atBob.ringing;
    assert.deepEqual([incoming.from, incoming.device, incoming.endToEnd], [OLGA, `${OLGA}/LEGACY`, false]);
    await world.advance(1_000);
    assert.ok(!world.bridge.types().includes('call.candidates'), 'no candidate before select');

    const bobPc = new FakePeerConnection();
    const answered = await incoming.accept({ pc: bobPc });
    assert.doesNotMatch(bobPc.remoteSdp as string, /a=candidate|192\.0\.2/);
    await world.advance(100);
    assert.equal(answered.endToEnd, false);
    assert.equal(answered.state, 'active');
    assert.deepEqual(olga.heard, ['answer']);
    assert.equal(olga.last('answer').sdp, bobPc.localSdp);
    assert.deepEqual(
      bobPc.remoteCandidates.map(({ candidate, sdpMid }) => [candidate, sdpMid]),
      [candidateOf(pc, 1), candidateOf(pc, 2), '', candidateOf(pc, 3)].map((one) => [one, '0']),
    );

    bobPc.findCandidates(1);
    bobPc.endCandidates();
    await world.advance(100);
    assert.deepEqual(olga.heard, ['answer', 'candidate', 'candidate']);
    assert.equal(olga.last('candidate').candidate?.candidate, '');

    olga.say({ type: 'hangup', to: BOB });
    await world.settle();
    assert.deepEqual(answered.end, { reason: 'hangup', by: 'remote' });
    assert.deepEqual(olga.heard, ['answer', 'candidate', 'candidate']);
  });

  it('is called: refused unless allowed, before anything is sent; answers; the other side hangs up', async () => {
    const sent = world.bridge.sent.length;
    await assert.rejects(bob.call(OLGA, { pc: new FakePeerConnection() }), { code: 'not_end_to_end' });
    assert.deepEqual(world.bridge.types(sent), ['keys.query']);

    const { calling, bobPc } = await answer();
    assert.deepEqual([calling.state, calling.endToEnd, calling.device], ['active', false, `${OLGA}/LEGACY`]);
    assert.doesNotMatch(bobPc.remoteSdp as string, /a=candidate|192\.0\.2/);
    await world.advance(100);
    assert.equal(bobPc.remoteCandidates.length, 3);
    await calling.hangUp();
    await world.settle();
    assert.deepEqual(olga.heard, ['offer', 'hangup hangup']);
    assert.equal(olga.last('hangup').from, BOB);
  });

  it('declines, with its own word or without', async () => {
    for (const [reason, heard] of [
      [undefined, 'declined'],
      ['busy', 'busy'],
    ]) {
      const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
      await world.settle();
      olga.say({ type: 'hangup', to: BOB, ...(reason && { reason }) });
      await world.settle();
      assert.deepEqual(calling.end, { reason: heard, by: 'remote' });
    }
    assert.deepEqual(olga.heard, ['offer', 'offer']);
  });

  it('hears why its call ended: declined, no answer, nobody there', async () => {
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.settle();
    await atBob.ringing.reject();
    await world.settle();
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.advance(LIMITS.answerWaitMs);
    olga.say({ type: 'offer', to: 'nobody@maple.example', sdp: await gathered(pc) });
    await world.settle();
    assert.deepEqual(olga.heard, ['hangup declined', 'hangup no_answer', 'hangup unknown_member']);
    assert.equal(atBob.ringing.end?.reason, 'expired');
  });

  it('takes the word that nobody could be reached from the peer’s server and its own bridge alone', async () => {
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.offer' ? 'lost' : undefined);
    for (const [from, heard] of [
      ['evil.example', []],
      ['maple.example', ['hangup undeliverable']],
      ['orchid.example', ['hangup undeliverable', 'hangup undeliverable']],
    ] as const) {
      olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
      await world.settle();
      const offer = world.bridge.sent.findLast(({ type }) => type === 'app.volly.call.offer') as Envelope;
      const end = { id: newEnvelopeId(world.random), type: 'app.volly.undeliverable', from: parseServerName(from) } as const;
      const to = parseDeviceAddress(`${OLGA}/LEGACY`);
      world.bridge.inject({ ...end, to, expires: offer.expires, envelope: offer.id, reason: 'undeliverable' });
      await world.settle();
      assert.deepEqual(olga.heard, heard);
      if (heard.length === 0) olga.say({ type: 'hangup', to: BOB });
    }
    assert.equal(world.counts.get('app.volly.undeliverable wrong_sender'), 1);
  });

  it('has one call with a peer on a socket: a second one hears busy, and a second offer does nothing', async () => {
    await call();
    const again = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await world.settle();
    assert.deepEqual(again.end, { reason: 'busy', by: 'remote' });
    assert.deepEqual(olga.heard, ['answer']);
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.settle();
    assert.equal(world.bridge.types().filter((type) => type === 'call.negotiate').length, 2, 'one offer, its answer');
  });

  it('rings on all sockets of the member; who answers has the call', async () => {
    const second = await world.app(credential);
    const { calling } = await answer();
    assert.equal(calling.state, 'active');
    assert.deepEqual(second.heard, ['offer', 'hangup answered_elsewhere']);
    // The other socket is free for a call of its own with the same peer, which Bob declines: he is in one.
    second.say({ type: 'offer', to: BOB, sdp: await gathered(new FakePeerConnection()) });
    await world.settle();
    assert.equal(second.heard.at(-1), 'hangup busy');
    second.close('gone');
    await world.settle();
    assert.equal(calling.state, 'active');
  });

  it('negotiates anew both ways, with new keys each time', async () => {
    const { answered, bobPc } = await call();
    await pc.setLocalDescription({ type: 'offer', sdp: (await pc.createOffer()).sdp });
    await pc.setRemoteDescription({ type: 'answer', sdp: olga.last('answer').sdp as string });
    pc.restartIce();
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.advance(100);
    assert.equal(answered.epoch, 2);
    assert.deepEqual(olga.heard, ['answer', 'answer']);
    assert.equal(bobPc.remoteCandidates.at(-2)?.usernameFragment, pc.ufrag);

    void answered.restartIce();
    await world.settle();
    await pc.setRemoteDescription({ type: 'offer', sdp: olga.last('offer').sdp as string });
    olga.say({ type: 'answer', to: BOB, sdp: await gathered(pc, 'answer') });
    await world.settle();
    assert.equal(answered.epoch, 3);
    assert.equal(answered.state, 'active');
  });

  it('ends a call whose new description cannot be sealed', async () => {
    const { answered } = await call();
    olga.say({ type: 'offer', to: BOB, sdp: 'v=0\r\n' });
    await world.settle();
    assert.equal(answered.end?.reason, 'bad_sdp');
    assert.deepEqual(olga.heard, ['answer', 'hangup bad_sdp']);
  });

  it('beats, and outlives silence: only the app sees its media', async () => {
    const { answered, bobPc } = await call();
    bobPc.connect();
    await world.advance(45_000);
    assert.ok(
      world.bridge.sent.filter(({ type, from }) => type === 'app.volly.call.heartbeat' && from.startsWith('olga')).length >= 2,
    );
    world.bridge.fate = () => 'lost';
    await world.advance(200_000);
    assert.equal(answered.state, 'active');
    assert.deepEqual(olga.heard, ['answer']);
    // Its peer is gone, and the app does not say so.
    await world.advance(LIMITS.unseenLostMs);
    assert.deepEqual(olga.heard, ['answer', 'hangup signalling_lost']);
    bobPc.disconnect();
    await world.settle();
    assert.equal(answered.end?.reason, 'signalling_lost');
  });

  it('outlives a gap in what its peer sends, as long as the peer is heard; what it describes anew then ends the call', async () => {
    const { answered, bobPc } = await call();
    bobPc.connect();
    world.bridge.fate = ({ type, from }) => (/heartbeat$/.test(type) && from.startsWith('bob') ? 'lost' : undefined);
    await world.advance(30_000);
    world.bridge.fate = () => undefined;
    await world.advance(2 * LIMITS.unseenLostMs);
    assert.deepEqual([answered.state, olga.heard], ['active', ['answer']]);
    olga.say({ type: 'offer', to: BOB, sdp: await gathered(pc) });
    await world.settle();
    assert.deepEqual([answered.end?.reason, olga.heard.at(-1)], ['signalling_lost', 'hangup signalling_lost']);
  });

  it('ends the calls of a socket that goes, and keeps ringing for one that comes back', async () => {
    const { answered } = await call();
    olga.close('gone');
    await world.settle();
    assert.equal(answered.end?.reason, 'signalling_lost');

    const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await world.settle();
    assert.equal(calling.state, 'calling');
    const back = await world.app(credential);
    assert.deepEqual(back.heard, ['offer']);
    back.close('gone');
    await world.settle();
    const again = await world.app(credential);
    assert.deepEqual(again.heard, ['offer']);
    again.say({ type: 'hangup', to: BOB });
    await world.settle();
    assert.deepEqual(calling.end, { reason: 'declined', by: 'remote' });
  });

  it('does not ring for a call that was hung up while no app was there', async () => {
    olga.close('gone');
    await world.settle();
    const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await calling.hangUp();
    await world.settle();
    const back = await world.app(credential);
    assert.deepEqual(back.heard, []);
  });

  it('tells each app that connects after a restart which calls it ended, for 5 minutes', async () => {
    await call();
    world.restart();
    const back = await world.app(credential);
    const other = await world.app(credential);
    assert.deepEqual([back.heard, other.heard], [['hangup server_restarted'], ['hangup server_restarted']]);
    assert.equal(back.last('hangup').from, BOB);
    await world.advance(300_000);
    assert.deepEqual((await world.app(credential)).heard, []);
  });

  it('stops: peers hear so at once, apps when they are back', async () => {
    const { answered } = await call();
    const stopped = world.lines.stop();
    await world.advance(100);
    await stopped;
    assert.deepEqual(answered.end, { reason: 'server_restarted', by: 'remote' });
    assert.equal(olga.closedWith, 'shutting_down');
    assert.deepEqual(olga.heard, ['answer']);
    world.restart();
    assert.deepEqual((await world.app(credential)).heard, ['hangup server_restarted']);
  });

  it('offers anew to a legacy member whose bridge restarted: the old prekey is gone with it', async () => {
    await world.advance(1_000);
    world.restart();
    const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    const back = await world.app(credential);
    await world.advance(1_000);
    assert.deepEqual(back.heard, []);
    await world.advance(5_000);
    assert.deepEqual(back.heard, ['offer']);
    assert.equal(calling.state, 'calling');
    assert.equal(world.counts.get('app.volly.call.offer wrong_recipient'), 1);
  });

  it('does not ring for what was hung up, though the line that heard so first is gone when the offer comes', async () => {
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.offer' ? 3_000 : undefined);
    const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await calling.hangUp();
    await world.advance(1_000);
    olga.close('gone');
    await world.settle();
    const back = await world.app(credential);
    const waits = () => world.bridge.waiting(parseDeviceAddress(`${OLGA}/LEGACY`)).map(({ type }) => type);
    assert.deepEqual(waits(), ['app.volly.call.hangup']);
    await world.advance(5_000);
    assert.deepEqual([olga.heard, back.heard], [[], []]);
    // It did its work: nobody says any more that it did not arrive.
    assert.deepEqual(waits(), []);
  });

  it('says what it opens, and of what waits for an app that it does not', async () => {
    olga.close('gone');
    await world.settle();
    const before = world.handed.length;
    await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await world.advance(1_000);
    const [waits] = world.bridge.waiting(parseDeviceAddress(`${OLGA}/LEGACY`));
    assert.deepEqual([waits?.type, world.handed.length - before], ['app.volly.call.offer', 0]);
    await world.app(credential);
    assert.equal(world.handed[before], waits?.id);
  });

  it('lets two legacy members call each other', async () => {
    const { app: otto } = await world.member(OTTO);
    olga.say({ type: 'offer', to: OTTO, sdp: await gathered(pc) });
    await world.settle();
    const ottoPc = new FakePeerConnection();
    await ottoPc.setRemoteDescription({ type: 'offer', sdp: otto.last('offer').sdp as string });
    otto.say({ type: 'answer', to: OLGA, sdp: await gathered(ottoPc, 'answer') });
    await world.advance(200);
    assert.deepEqual(olga.heard, ['answer', 'candidate', 'candidate', 'candidate']);
    assert.deepEqual(otto.heard, ['offer', 'candidate', 'candidate', 'candidate']);
    otto.say({ type: 'hangup', to: OLGA, reason: 'bye' });
    await world.settle();
    assert.equal(olga.heard.at(-1), 'hangup bye');
  });
});
