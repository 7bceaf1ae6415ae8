/** One story each, told in events and effects. PROTOCOL.md section 11. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { type CallId, callIdFromBytes, type DeviceAddress, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { glare, receiveCall, reduce, startCall } from '../../src/protocol/call.ts';
import type { CallEvent, CallMessage, CallState, Effect, Step } from '../../src/protocol/call-state.ts';

const id = (n: number): CallId => callIdFromBytes(new Uint8Array(16).fill(n));
const ALICE = parseDeviceAddress('alice@orchid.example/PHONE');
const PHONE = parseDeviceAddress('bob@maple.example/PHONE');
const LAPTOP = parseDeviceAddress('bob@maple.example/LAPTOP');

/** A story in progress: the state, and what the last event brought about. */
class Story {
  state: CallState;
  effects: readonly Effect[];

  constructor(start: Step) {
    this.state = start.state;
    this.effects = start.effects;
  }

  on(event: CallEvent): this {
    ({ state: this.state, effects: this.effects } = reduce(this.state, event));
    return this;
  }

  hears(from: DeviceAddress, message: CallMessage, callId = id(1)): this {
    return this.on({ kind: 'received', from, callId, message });
  }

  /** `PHONE hangup declined`: who is sent what. */
  get sent(): string[] {
    return this.effects.flatMap((effect) => {
      if (effect.kind !== 'send') return [];
      const { message } = effect;
      const detail = 'reason' in message ? [message.reason] : 'description' in message ? [message.description] : [];
      return [[effect.device.slice(effect.device.indexOf('/') + 1), message.type, ...detail].join(' ')];
    });
  }

  get timers(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'set_timer' ? [`${effect.timer} ${effect.ms}`] : []));
  }

  get applied(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'apply' ? [effect.message.type] : []));
  }
}

const calling = () => new Story(startCall(id(1), [PHONE, LAPTOP]));
const ringing = () => new Story(receiveCall(id(1), ALICE));
const callerActive = () => calling().hears(PHONE, { type: 'ringing' }).hears(PHONE, { type: 'answer' });
const calleeActive = () => ringing().on({ kind: 'accept' }).hears(ALICE, { type: 'select_answer', macMatches: true });

describe('call scenarios', () => {
  it('two devices ring, the first answer wins, the other hears that it was answered elsewhere', () => {
    const story = calling();
    assert.deepEqual(story.sent, ['PHONE offer', 'LAPTOP offer']);
    story.hears(LAPTOP, { type: 'ringing' }).hears(PHONE, { type: 'answer' });
    assert.deepEqual(story.sent, ['PHONE select_answer', 'LAPTOP hangup answered_elsewhere']);
    assert.deepEqual([story.state.phase, story.state.peer], ['active', PHONE]);
    // The other answer was on its way: too late.
    const before = story.state;
    story.hears(LAPTOP, { type: 'answer' });
    assert.equal(story.state, before);
  });

  it('one device declines for itself, the call goes on; the last one ends it with its reason', () => {
    const story = calling().hears(PHONE, { type: 'reject', reason: 'busy', all: false });
    assert.equal(story.state.phase, 'calling');
    story.hears(LAPTOP, { type: 'reject', reason: 'declined', all: false });
    assert.deepEqual(story.state.end, { reason: 'declined', by: 'remote' });
  });

  it('a person declines for all devices and the others stop ringing', () => {
    const story = calling().hears(PHONE, { type: 'reject', reason: 'declined', all: true });
    assert.deepEqual(story.sent, ['LAPTOP hangup declined']);
    assert.deepEqual(story.state.end, { reason: 'declined', by: 'remote' });
  });

  it('an offer that nobody could deliver ends its leg, and the last one the call', () => {
    const failed = (device: DeviceAddress, reason: string): CallEvent => ({
      kind: 'leg_failed',
      device,
      callId: id(1),
      reason,
    });
    const story = calling().on(failed(PHONE, 'undeliverable'));
    assert.equal(story.state.phase, 'calling');
    story.on(failed(LAPTOP, 'unconfirmed'));
    assert.deepEqual(story.state.end, { reason: 'unconfirmed', by: 'itself' });
  });

  it('nothing rings: past the offer’s life and the bridges’ last word the caller gives up and says so', () => {
    const story = calling();
    assert.ok(story.timers.includes('ring 70000'));
    story.on({ kind: 'timer', timer: 'ring' });
    assert.deepEqual(story.sent, ['PHONE hangup no_answer', 'LAPTOP hangup no_answer']);
    assert.deepEqual(story.state.end, { reason: 'no_answer', by: 'itself' });
  });

  it('it rings and nobody answers: the wait is counted from the first ringing of any device, once', () => {
    const story = calling().hears(PHONE, { type: 'ringing' });
    assert.deepEqual(story.timers, ['ring 65000']);
    for (const device of [PHONE, LAPTOP, LAPTOP]) assert.deepEqual(story.hears(device, { type: 'ringing' }).timers, []);
    // Not even after the one that rang first has declined.
    story.hears(PHONE, { type: 'reject', reason: 'busy', all: false });
    assert.deepEqual(story.hears(LAPTOP, { type: 'ringing' }).timers, []);
    story.on({ kind: 'timer', timer: 'ring' });
    assert.deepEqual(story.sent, ['LAPTOP hangup no_answer']);
  });

  it('an offer made anew gets its whole wait, but takes none from a call that rings', () => {
    const again = (story: Story) =>
      story.on({ kind: 'timer', timer: `stale ${PHONE}` }).on({ kind: 'refetched', device: PHONE, callId: id(2) });
    assert.deepEqual(again(calling()).timers, ['ring 70000']);
    assert.deepEqual(again(calling().hears(LAPTOP, { type: 'ringing' })).timers, []);
  });

  it('the caller’s wait outlasts the phone’s ring, and the bridges’ word about an offer', () => {
    assert.ok(LIMITS.answerWaitMs > LIMITS.ringMs);
    assert.ok(LIMITS.offerWaitMs > LIMITS.offerLifeMs + LIMITS.confirmMs);
    assert.ok(LIMITS.hangupLifeMs >= LIMITS.offerLifeMs && LIMITS.heldMs >= LIMITS.offerLifeMs);
  });

  it('an offer that may have arrived is taken back, one that did not is forgotten, and what rings goes on', () => {
    const failed = (reason: string): CallEvent => ({ kind: 'leg_failed', device: PHONE, callId: id(1), reason });
    assert.deepEqual(calling().on(failed('unconfirmed')).sent, ['PHONE hangup unconfirmed']);
    assert.deepEqual(calling().on(failed('peer_unreachable')).sent, []);
    const rings = calling().hears(PHONE, { type: 'ringing' }).on(failed('unconfirmed'));
    assert.deepEqual([rings.effects, rings.hears(PHONE, { type: 'answer' }).state.phase], [[], 'active']);
  });

  it('a phone that nobody touches stops ringing by itself and says nothing', () => {
    const story = ringing();
    assert.deepEqual([story.sent, story.timers], [['PHONE ringing'], ['ring 60000']]);
    story.on({ kind: 'timer', timer: 'ring' });
    assert.deepEqual(story.sent, []);
    assert.deepEqual(story.state.end, { reason: 'expired', by: 'itself' });
  });

  it('an answer that nobody selects ends after 30 s', () => {
    const story = ringing().on({ kind: 'accept' });
    assert.deepEqual([story.sent, story.timers], [['PHONE answer'], ['select 30000']]);
    story.on({ kind: 'timer', timer: 'select' });
    assert.deepEqual([story.sent, story.state.end?.reason], [['PHONE hangup signalling_lost'], 'signalling_lost']);
  });

  it('a select whose mac differs ends the call', () => {
    const story = ringing().on({ kind: 'accept' }).hears(ALICE, { type: 'select_answer', macMatches: false });
    assert.deepEqual([story.sent, story.state.end?.reason], [['PHONE hangup open_failed'], 'open_failed']);
  });

  it('no ringing within 5 s and a newer prekey: one new offer under a new id, the old one is hung up', () => {
    const story = calling().hears(LAPTOP, { type: 'ringing' });
    story.on({ kind: 'timer', timer: `stale ${LAPTOP}` });
    assert.deepEqual([...story.effects], [], 'it rings');
    story.on({ kind: 'timer', timer: `stale ${PHONE}` });
    assert.deepEqual(story.effects, [{ kind: 'refetch', device: PHONE }]);
    story.on({ kind: 'refetched', device: PHONE, callId: id(2) });
    assert.deepEqual(story.sent, ['PHONE hangup replaced', 'PHONE offer']);
    assert.deepEqual(story.effects.at(-1), { kind: 'send', device: PHONE, callId: id(2), message: { type: 'offer' } });
    story.on({ kind: 'timer', timer: `stale ${PHONE}` });
    assert.deepEqual(story.effects, [], 'once is enough');
    // What comes under the old id counts no more; under the new one it does.
    assert.equal(story.hears(PHONE, { type: 'answer' }).state.phase, 'calling');
    assert.equal(story.hears(PHONE, { type: 'answer' }, id(2)).state.phase, 'active');
  });

  it('no ringing and no newer prekey: it goes on waiting', () => {
    const story = calling()
      .on({ kind: 'timer', timer: `stale ${PHONE}` })
      .on({ kind: 'refetched', device: PHONE });
    assert.deepEqual([story.effects, story.state.phase], [[], 'calling']);
  });

  it('heartbeats go out every 20 s', () => {
    for (const story of [callerActive(), calleeActive()]) {
      assert.ok(story.timers.includes('heartbeat 20000'));
      story.on({ kind: 'timer', timer: 'heartbeat' });
      assert.equal(story.sent.length, 1);
      assert.ok(story.timers.includes('heartbeat 20000'));
    }
  });

  it('a minute of silence ends the call only while ICE is not connected', () => {
    assert.equal(callerActive().on({ kind: 'timer', timer: 'silence' }).state.end?.reason, 'signalling_lost');
    const story = callerActive().on({ kind: 'ice', connected: true }).on({ kind: 'timer', timer: 'silence' });
    assert.equal(story.state.phase, 'active');
    story.on({ kind: 'ice', connected: false });
    assert.equal(story.state.end?.reason, 'signalling_lost');
    const heard = callerActive().on({ kind: 'ice', connected: true }).on({ kind: 'timer', timer: 'silence' });
    heard.hears(PHONE, { type: 'heartbeat' }).on({ kind: 'ice', connected: false });
    assert.equal(heard.state.phase, 'active');
  });

  it('a gap that stays 30 s ends the call while ICE is not connected, one that closes does not', () => {
    const story = calleeActive().on({ kind: 'gap', open: true });
    assert.deepEqual(story.timers, ['gap 30000', 'silence 60000']);
    assert.deepEqual(story.on({ kind: 'gap', open: true }).timers, ['silence 60000'], 'counted from its beginning');
    story.on({ kind: 'gap', open: false });
    assert.deepEqual(story.effects, [{ kind: 'cancel_timer', timer: 'gap' }]);
    story.on({ kind: 'gap', open: true }).on({ kind: 'timer', timer: 'gap' });
    assert.deepEqual([story.sent, story.state.end?.reason], [['PHONE hangup signalling_lost'], 'signalling_lost']);
  });

  it('a gap that stays ends no call whose ICE is connected; it ends with ICE, or by a hangup', () => {
    const gapped = (connected: boolean | 'unseen') =>
      callerActive().on({ kind: 'ice', connected }).on({ kind: 'gap', open: true }).on({ kind: 'timer', timer: 'gap' });
    for (const connected of [true, 'unseen'] as const)
      assert.deepEqual([gapped(connected).effects, gapped(connected).state.phase], [[], 'active']);
    assert.equal(gapped(true).on({ kind: 'ice', connected: false }).state.end?.reason, 'signalling_lost');
    assert.equal(gapped(true).hears(PHONE, { type: 'hangup', reason: 'hangup' }).state.end?.by, 'remote');
    assert.deepEqual(gapped(true).on({ kind: 'hangup', reason: 'hangup' }).sent, ['PHONE hangup hangup']);
    // One that is open for less is a message that is late.
    const late = callerActive().on({ kind: 'ice', connected: true }).on({ kind: 'gap', open: true });
    late.on({ kind: 'ice', connected: false });
    assert.equal(late.state.phase, 'active');
    late.on({ kind: 'timer', timer: 'gap' });
    assert.equal(late.state.end?.reason, 'signalling_lost');
  });

  it('before select a gap that stays ends the call whatever ICE says', () => {
    const story = ringing().on({ kind: 'accept' }).on({ kind: 'ice', connected: true }).on({ kind: 'gap', open: true });
    assert.deepEqual(story.timers, ['gap 30000']);
    assert.equal(story.on({ kind: 'timer', timer: 'gap' }).state.end?.reason, 'signalling_lost');
  });

  it('what waits behind a gap counts as heard', () => {
    const story = callerActive().on({ kind: 'ice', connected: true }).on({ kind: 'timer', timer: 'silence' });
    story.on({ kind: 'gap', open: true }).on({ kind: 'ice', connected: false });
    assert.equal(story.state.phase, 'active');
  });

  it('a call whose ICE nobody sees ends after 10 minutes of silence', () => {
    const story = callerActive().on({ kind: 'ice', connected: 'unseen' }).on({ kind: 'timer', timer: 'silence' });
    assert.deepEqual([story.timers, story.state.phase], [['silence 540000'], 'active']);
    const heard = new Story(story.hears(PHONE, { type: 'heartbeat' }));
    assert.deepEqual(heard.timers, ['silence 60000']);
    assert.equal(heard.on({ kind: 'timer', timer: 'silence' }).state.phase, 'active');
    assert.equal(heard.on({ kind: 'timer', timer: 'silence' }).state.end?.reason, 'signalling_lost');
  });

  it('behind a gap that stays, and without an answer for 60 s, no new offer goes out, and one that is out is given up', () => {
    const refused = [{ kind: 'refused', code: 'signalling_lost', type: 'negotiate' }];
    const offer = { kind: 'negotiate', description: 'offer' } as const;
    const lost = (story: Story) => assert.throws(() => story.on(offer), { code: 'signalling_lost' });
    const begun = callerActive().on({ kind: 'ice', connected: true }).on(offer);
    assert.deepEqual(begun.timers, ['negotiation 60000']);
    const gapped = new Story(begun).on({ kind: 'gap', open: true }).on({ kind: 'timer', timer: 'gap' });
    assert.deepEqual(gapped.effects, refused);
    assert.deepEqual(gapped.on({ kind: 'timer', timer: 'negotiation' }).effects, [], 'said once');
    lost(gapped);

    const unanswered = new Story(begun).on({ kind: 'timer', timer: 'negotiation' });
    assert.deepEqual(unanswered.effects, refused);
    lost(unanswered);
    // An answer that comes late is one.
    unanswered.hears(PHONE, { type: 'negotiate', description: 'answer' });
    assert.deepEqual(unanswered.effects.at(1), { kind: 'cancel_timer', timer: 'negotiation' });
    assert.deepEqual(unanswered.on(offer).sent, ['PHONE negotiate offer']);
  });

  it('both negotiate at once: the caller ignores the other offer, the callee takes its own back', () => {
    const caller = callerActive().on({ kind: 'negotiate', description: 'offer' });
    const callee = calleeActive().on({ kind: 'negotiate', description: 'offer' });
    assert.deepEqual(caller.sent, ['PHONE negotiate offer']);
    caller.hears(PHONE, { type: 'negotiate', description: 'offer' });
    assert.deepEqual(caller.applied, []);
    callee.hears(ALICE, { type: 'negotiate', description: 'offer' });
    assert.deepEqual([callee.applied, callee.state.makingOffer], [['negotiate'], false]);
    callee.on({ kind: 'negotiate', description: 'answer' });
    caller.hears(PHONE, { type: 'negotiate', description: 'answer' });
    assert.deepEqual([caller.applied, caller.state.makingOffer, callee.state.answering], [['negotiate'], false, false]);
  });

  it('while the other’s offer waits for a reply, ours does not go out', () => {
    const story = callerActive().hears(PHONE, { type: 'negotiate', description: 'offer' });
    assert.throws(() => story.on({ kind: 'negotiate', description: 'offer' }), VollyError);
    assert.deepEqual(story.on({ kind: 'negotiate', description: 'answer' }).sent, ['PHONE negotiate answer']);
    assert.deepEqual(story.on({ kind: 'negotiate', description: 'offer' }).sent, ['PHONE negotiate offer']);
  });

  it('a second offer of the other side, while its first waits for a reply, is refused', () => {
    const story = callerActive().hears(PHONE, { type: 'negotiate', description: 'offer' });
    story.hears(PHONE, { type: 'negotiate', description: 'offer' });
    assert.deepEqual(story.applied, []);
    assert.ok(story.effects.some((effect) => effect.kind === 'refused'));
  });

  it('a negotiation’s answer that nobody asked for is refused', () => {
    const story = callerActive().hears(PHONE, { type: 'negotiate', description: 'answer' });
    assert.deepEqual(story.applied, []);
    assert.ok(story.effects.some((effect) => effect.kind === 'refused'));
  });

  it('hanging up tells every live leg, and twice is no mistake', () => {
    const story = calling().hears(PHONE, { type: 'reject', reason: 'busy', all: false }).on({ kind: 'hangup', reason: 'hangup' });
    assert.deepEqual([story.sent, story.state.end], [['LAPTOP hangup hangup'], { reason: 'hangup', by: 'local' }]);
    assert.deepEqual(story.on({ kind: 'hangup', reason: 'hangup' }).effects, []);
  });

  it('the user’s own wishes are refused where the table has none', () => {
    const forbidden = (story: Story, event: CallEvent) =>
      assert.throws(
        () => story.on(event),
        (error) => error instanceof VollyError && error.code === 'forbidden_in_state',
      );
    forbidden(calling(), { kind: 'accept' });
    forbidden(callerActive(), { kind: 'reject', reason: 'declined', all: true });
    forbidden(ringing(), { kind: 'negotiate', description: 'offer' });
    forbidden(calleeActive(), { kind: 'replaced' });
  });

  it('glare: the lesser id wins, and a device without a live leg always does', () => {
    assert.equal(glare(calling().state, PHONE, id(2)), 'ours');
    assert.equal(glare(calling().state, PHONE, id(0)), 'theirs');
    const rejected = calling().hears(PHONE, { type: 'reject', reason: 'busy', all: false });
    assert.equal(glare(rejected.state, PHONE, id(2)), 'theirs');
    assert.equal(glare(callerActive().state, PHONE, id(0)), undefined);
    const lost = calling().on({ kind: 'replaced' });
    assert.deepEqual(lost.sent, ['PHONE hangup replaced', 'LAPTOP hangup replaced']);
  });
});
