/** Calls between and inside real communities, with real peer connections: what two people can do to each other, end to end. */
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { asLike, enrol, type Person, peerConnection, secondDevice, startAgain, within } from '../support/people.ts';
import { waitingFor } from './bridge-rows.ts';
import { acceptAndConnect, callWithChannel, converse, hangUp, rings } from './conversation.ts';
import { anyFailed, deny, type Pair, startPair, until } from './pair.ts';
import { ShiftedClock } from './shifted-clock.ts';

/** For `assert.rejects`, which then shows the code that came instead. */
const coded = (code: ErrorCode) => ({ name: 'VollyError', code });
const LOCAL_HANGUP = { reason: 'hangup', by: 'local' };
const REMOTE_HANGUP = { reason: 'hangup', by: 'remote' };

describe('A call between two communities', () => {
  let pair: Pair;
  let alice: Person;
  let ann: Person;
  let bob: Person;
  const others: Person[] = [];
  before(async () => {
    pair = await startPair({ tapped: false });
    [alice, ann, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.orchid, 'ann'), enrol(pair.maple, 'bob')]);
  });
  after(function () {
    return pair?.close([alice, ann, bob, ...others], anyFailed(this));
  });

  it('is offered, rings, is answered, trickles candidates, opens a data channel, and the caller hangs up', async () => {
    const incoming = rings(bob);
    const calling = await callWithChannel(alice, bob.client.member);
    const rang = calling.call.once('ringing');
    const phases: string[] = [];
    calling.call.on('state', (state) => phases.push(state));
    const { from, device, known, endToEnd, media } = await incoming;
    assert.deepEqual([from, device, known, endToEnd], [alice.client.member, alice.client.address, false, true]);
    assert.deepEqual(media, { audio: false, video: false, data: true });
    await within('the caller hears it ring', rang);
    const conversation = await acceptAndConnect(calling, await incoming);
    assert.equal(await conversation.echo('hello'), 'hello');
    assert.deepEqual([conversation.calling.state, conversation.taken.state], ['active', 'active']);
    assert.deepEqual([conversation.calling.device, conversation.taken.device], [bob.client.address, alice.client.address]);
    assert.deepEqual(await hangUp(conversation, 'caller'), [LOCAL_HANGUP, REMOTE_HANGUP]);
    assert.deepEqual(
      phases,
      ['ringing', 'active', 'ended'].filter((phase) => phases.includes(phase)),
    );
  });

  it('goes the other way too, and the callee hangs up', async () => {
    const conversation = await converse(bob, alice);
    assert.equal(await conversation.echo('hello'), 'hello');
    assert.deepEqual(await hangUp(conversation, 'callee'), [REMOTE_HANGUP, LOCAL_HANGUP]);
  });

  it('gets new keys with an ICE restart, from either side, and the channel goes on', async () => {
    const conversation = await converse(alice, bob);
    const { calling, taken } = conversation;
    assert.deepEqual([calling.epoch, taken.epoch], [1, 1]);
    for (const [side, epoch] of [
      [calling, 2],
      [taken, 3],
    ] as const) {
      const before = conversation.pcs.map((pc) => ufragOf(pc.localDescription?.sdp));
      await side.restartIce();
      await until('both have the keys of the new epoch', () => calling.epoch === epoch && taken.epoch === epoch);
      assert.equal(await conversation.echo(`epoch ${epoch}`), `epoch ${epoch}`);
      for (const [at, pc] of conversation.pcs.entries()) assert.notEqual(ufragOf(pc.localDescription?.sdp), before[at]);
    }
    assert.deepEqual([calling.state, taken.state], ['active', 'active']);
    await hangUp(conversation, 'caller');
  });

  it('is declined by the person, and the caller hears so', async () => {
    const incoming = rings(bob);
    const { call } = await callWithChannel(alice, bob.client.member);
    await (await incoming).reject();
    assert.deepEqual(await within('the call ends', call.whenEnded()), { reason: 'declined', by: 'remote' });
  });

  it('hears busy from a member in another call, which goes on undisturbed', async () => {
    const conversation = await converse(alice, bob);
    const rang: unknown[] = [];
    const off = bob.client.on('incoming', (incoming) => rang.push(incoming));
    const { call } = await callWithChannel(ann, bob.client.member);
    assert.deepEqual(await within('the call ends', call.whenEnded()), { reason: 'busy', by: 'remote' });
    assert.equal(await conversation.echo('still here'), 'still here');
    await hangUp(conversation, 'caller');
    off();
    assert.deepEqual(rang, []);
  });

  it('stops ringing when the caller hangs up first', async () => {
    const ringing = rings(bob);
    const { call } = await callWithChannel(alice, bob.client.member);
    const incoming = await ringing;
    const stopped = incoming.once('ended');
    await call.hangUp();
    assert.deepEqual(await within('it stops ringing', stopped), [REMOTE_HANGUP]);
    await assert.rejects(incoming.accept({ pc: peerConnection() as never }), coded('unknown_call'));
  });

  it('to a name that the other community does not have is unknown_member, before anything is sent', async () => {
    await assert.rejects(callWithChannel(alice, `nobody@${pair.maple.serverName}`), coded('unknown_member'));
  });

  it('waits for a member whose app comes back within the life of the offer, and then rings', async () => {
    await bob.client.close();
    const calling = await callWithChannel(alice, bob.client.member);
    bob = await startAgain(bob);
    const incoming = await rings(bob);
    assert.equal(incoming.known, true);
    const conversation = await acceptAndConnect(calling, incoming);
    assert.equal(await conversation.echo('you are back'), 'you are back');
    await hangUp(conversation, 'callee');
  });

  it('does not ring in a member’s app that comes back after the caller hung up', async () => {
    await bob.client.close();
    const { call } = await callWithChannel(alice, bob.client.member);
    await call.hangUp();
    await until('offer and hang-up wait for bob', () => waitingFor(pair.maple, bob) === 2);
    bob = await startAgain(bob);
    const rang: string[] = [];
    bob.client.on('incoming', ({ id }) => rang.push(id));
    // A call made after it is behind it in the backlog's order: whatever rings now has been opened after the first.
    const calling = await callWithChannel(alice, bob.client.member);
    await until('a call rings', () => rang.length > 0);
    assert.deepEqual(rang, [calling.call.id]);
    await calling.call.hangUp();
  });

  it('ends as undeliverable when no device of the member comes before the offer’s end', async () => {
    // An offer lives a minute by its sender's clock. This sender's falls behind between fetching the keys and sealing the offer,
    // so that for everybody else most of the minute is over.
    const clock = new ShiftedClock();
    const carl = await enrol(pair.orchid, 'carl', { clock });
    others.push(carl);
    await bob.client.close();
    const pc = peerConnection();
    const createOffer = pc.createOffer.bind(pc);
    pc.createOffer = () => {
      clock.shift(-56_000);
      return createOffer();
    };
    const { call } = await callWithChannel(carl, bob.client.member, pc);
    assert.deepEqual(await within('the call ends', call.whenEnded()), { reason: 'undeliverable', by: 'itself' });
    clock.shift(56_000);
    bob = await startAgain(bob);
  });

  it('rings on both devices of a member, the first answer wins, the other hears answered_elsewhere', async () => {
    const laptop = await secondDevice(bob, 'LAPTOP');
    others.push(laptop);
    const both = Promise.all([rings(bob), rings(laptop)]);
    const calling = await callWithChannel(alice, bob.client.member);
    const [atPhone, atLaptop] = await both;
    assert.equal(atPhone.id, atLaptop.id);
    const elsewhere = atPhone.once('ended');
    const conversation = await acceptAndConnect(calling, atLaptop);
    assert.equal(conversation.calling.device, laptop.client.address);
    assert.deepEqual(await within('the phone stops ringing', elsewhere), [{ reason: 'answered_elsewhere', by: 'remote' }]);
    assert.equal(await conversation.echo('to the laptop'), 'to the laptop');
    await hangUp(conversation, 'caller');
    await laptop.client.close();
  });

  it('works inside one community as well', async () => {
    for (const [from, to] of [
      [alice, ann],
      [ann, alice],
    ] as const) {
      const conversation = await converse(from, to);
      assert.equal(await conversation.echo('hello neighbour'), 'hello neighbour');
      await hangUp(conversation, 'caller');
    }
    await assert.rejects(callWithChannel(alice, `nobody@${pair.orchid.serverName}`), coded('unknown_member'));
  });

  it('is denied by policy: the own member at once, and nothing from the denied server reaches a member', async () => {
    await deny(pair.orchid, [pair.maple.serverName]);
    await until('alice is online again', () => alice.client.connection.kind === 'online');
    await assert.rejects(callWithChannel(alice, bob.client.member), coded('denied_by_policy'));
    const rang: unknown[] = [];
    alice.client.on('incoming', (incoming) => rang.push(incoming));
    // The denied side learns nothing, not even that there is such a member: its query stays without an answer.
    const unanswered = bob.client.call(alice.client.member, { pc: asLike(peerConnection()) });
    await assert.rejects(within('bob gives up', unanswered, LIMITS.keysWaitMs + 5_000), coded('unconfirmed'));
    await deny(pair.orchid, []);
    await until('alice is online again', () => alice.client.connection.kind === 'online');
    const conversation = await converse(bob, alice);
    await hangUp(conversation, 'caller');
    assert.equal(rang.length, 1);
  });

  it('left no fault and no refusal that a working call has no reason for', () => {
    for (const { client } of [alice, ann, bob, ...others]) assert.equal(client.refusals.get('fault'), undefined);
  });
});

const ufragOf = (sdp: string | undefined): string | undefined => /a=ice-ufrag:(\S+)/.exec(sdp ?? '')?.[1];
