/** R2: in every state of both roles only the messages of its table do anything, whatever order they come in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VollyError } from '../../src/errors.ts';
import { type CallId, callIdFromBytes, type DeviceAddress, parseDeviceAddress } from '../../src/ids.ts';
import { glare, receiveCall, reduce, startCall } from '../../src/protocol/call.ts';
import {
  type CallEvent,
  type CallMessage,
  type CallState,
  type Effect,
  MAY_RECEIVE,
  type MessageType,
  type Phase,
  type Role,
  type Timer,
} from '../../src/protocol/call-state.ts';

const id = (n: number): CallId => callIdFromBytes(new Uint8Array(16).fill(n));
const DEVICES = ['bob@maple.example/PHONE', 'bob@maple.example/LAPTOP', 'eve@maple.example/PHONE'].map(parseDeviceAddress);
const [PHONE, LAPTOP] = DEVICES as [DeviceAddress, DeviceAddress];

const PHASES: Readonly<Record<Role, readonly Phase[]>> = {
  caller: ['calling', 'active', 'ended'],
  callee: ['ringing', 'answered', 'active', 'ended'],
};
const TYPES: readonly MessageType[] = [
  'ringing',
  'answer',
  'reject',
  'hangup',
  'select_answer',
  'candidates',
  'negotiate',
  'heartbeat',
];

const message: fc.Arbitrary<CallMessage> = fc.oneof(
  fc.constantFrom('ringing', 'answer', 'candidates', 'heartbeat').map((type) => ({ type })),
  fc.record({ type: fc.constant('reject' as const), reason: fc.constantFrom('declined', 'busy'), all: fc.boolean() }),
  fc.record({ type: fc.constant('hangup' as const), reason: fc.constantFrom('hangup', 'answered_elsewhere') }),
  fc.record({ type: fc.constant('select_answer' as const), macMatches: fc.boolean() }),
  fc.record({ type: fc.constant('negotiate' as const), description: fc.constantFrom('offer' as const, 'answer' as const) }),
);
const device = fc.constantFrom(...DEVICES);
const callId = fc.constantFrom(id(1), id(2));
const received = fc.record({ kind: fc.constant('received' as const), from: device, callId, message });
const timer = fc.constantFrom<Timer>(
  'ring',
  'select',
  'gap',
  'negotiation',
  'heartbeat',
  'silence',
  `stale ${PHONE}`,
  `stale ${LAPTOP}`,
);
const event: fc.Arbitrary<CallEvent> = fc.oneof(
  { weight: 6, arbitrary: received },
  fc.record({ kind: fc.constant('timer' as const), timer }),
  fc.record({ kind: fc.constant('leg_failed' as const), device, callId, reason: fc.constant('undeliverable') }),
  fc.record({ kind: fc.constant('refetched' as const), device, callId: fc.constant(id(2)) }),
  fc.record({ kind: fc.constant('refetched' as const), device }),
  fc.record({ kind: fc.constant('gap' as const), open: fc.boolean() }),
  fc.record({ kind: fc.constant('ice' as const), connected: fc.constantFrom(true, false, 'unseen' as const) }),
  fc.constant({ kind: 'accept' as const }),
  fc.record({ kind: fc.constant('reject' as const), reason: fc.constant('declined'), all: fc.boolean() }),
  fc.constant({ kind: 'hangup' as const, reason: 'hangup' }),
  fc.record({ kind: fc.constant('negotiate' as const), description: fc.constantFrom('offer' as const, 'answer' as const) }),
  fc.constant({ kind: 'fail' as const, reason: 'media_mismatch' as const }),
  fc.constant({ kind: 'replaced' as const }),
);
const begin = fc.constantFrom(
  () => startCall(id(1), [PHONE, LAPTOP]),
  () => receiveCall(id(1), PHONE),
);

const NEXT: Readonly<Record<Role, Readonly<Record<Phase, readonly Phase[]>>>> = {
  caller: { calling: ['active', 'ended'], active: ['ended'], ended: [], ringing: [], answered: [] },
  callee: { ringing: ['answered', 'ended'], answered: ['active', 'ended'], active: ['ended'], ended: [], calling: [] },
};

/** One step as a driver makes it: own mistakes throw a VollyError and leave the state. */
function step(state: CallState, one: CallEvent): { state: CallState; effects: readonly Effect[] } {
  try {
    return reduce(state, one);
  } catch (error) {
    assert.ok(error instanceof VollyError, String(error));
    assert.notEqual(one.kind, 'received', 'a peer cannot make it throw');
    return { state, effects: [] };
  }
}

describe('R2 call state machine', () => {
  it('R2 never reaches a forbidden state and never throws anything but a VollyError, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(begin, fc.array(event, { maxLength: 40 }), (start, events) => {
        let { state } = start();
        for (const one of events) {
          const before = state;
          const after = step(before, one);
          state = after.state;
          assert.equal(state.role, before.role);
          assert.ok(PHASES[state.role].includes(state.phase), `${state.role} ${state.phase}`);
          assert.ok(
            before.phase === state.phase || NEXT[before.role][before.phase].includes(state.phase),
            `${before.phase} → ${state.phase}`,
          );
          assert.equal(state.phase === 'ended', state.end !== undefined);
          if (state.phase === 'active') assert.equal(state.legs.filter((leg) => leg.state !== 'ended').length, 1);
          if (before.phase === 'ended') assert.ok(after.effects.every((effect) => effect.kind === 'refused'));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('R2 counts a message outside the table of its role and phase and changes nothing', () => {
    fc.assert(
      fc.property(begin, fc.array(event, { maxLength: 20 }), received, (start, events, last) => {
        const state = events.reduce((so, one) => step(so, one).state, start().state);
        const after = reduce(state, last);
        if (MAY_RECEIVE[state.role][state.phase].includes(last.message.type)) return;
        assert.equal(after.state, state);
        assert.deepEqual(after.effects, [{ kind: 'refused', code: 'forbidden_in_state', type: last.message.type }]);
      }),
      { numRuns: 2000 },
    );
  });

  it('R2 the table is the one of PROTOCOL.md section 11', () => {
    const allowed = TYPES.flatMap((type) =>
      (['caller', 'callee'] as const).flatMap((role) =>
        PHASES[role].filter((phase) => MAY_RECEIVE[role][phase].includes(type)).map((phase) => `${role} ${phase} ${type}`),
      ),
    );
    const inCall = ['candidates', 'negotiate', 'heartbeat', 'hangup'];
    const expected = [
      ...['ringing', 'answer', 'reject', 'hangup'].map((type) => `caller calling ${type}`),
      ...inCall.map((type) => `caller active ${type}`),
      'callee ringing hangup',
      ...['select_answer', 'hangup'].map((type) => `callee answered ${type}`),
      ...inCall.map((type) => `callee active ${type}`),
    ];
    assert.deepEqual(allowed.sort(), expected.sort());
  });

  it('R2 a device that is no leg of the call can do nothing', () => {
    const { state } = startCall(id(1), [PHONE]);
    for (const type of ['ringing', 'answer'] as const) {
      const after = reduce(state, { kind: 'received', from: LAPTOP, callId: id(1), message: { type } });
      assert.equal(after.state, state);
    }
  });

  it('sends nothing after it ended, and erases the keys of every leg on the way', () => {
    fc.assert(
      fc.property(begin, fc.array(event, { maxLength: 40 }), (start, events) => {
        let { state } = start();
        const used = new Set<string>();
        const erased = new Set<string>();
        for (const one of events) {
          const after = step(state, one);
          for (const effect of after.effects) {
            if (effect.kind === 'send') {
              const key = `${effect.device} ${effect.callId}`;
              assert.ok(!erased.has(key) || effect.message.type === 'offer', `sends under erased keys: ${key}`);
              used.add(key);
            }
            if (effect.kind === 'erase') erased.add(`${effect.device} ${effect.callId}`);
          }
          state = after.state;
        }
        if (state.phase === 'ended')
          assert.deepEqual(
            [...used].filter((key) => !erased.has(key)),
            [],
          );
      }),
      { numRuns: 2000 },
    );
  });

  it('in a glare exactly one side goes on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (a, b) => {
        const [mine, theirs] = [callIdFromBytes(a), callIdFromBytes(b)];
        fc.pre(mine !== theirs);
        const here = glare(startCall(mine, [PHONE]).state, PHONE, theirs);
        const there = glare(startCall(theirs, [LAPTOP]).state, LAPTOP, mine);
        assert.deepEqual([here, there].sort(), ['ours', 'theirs']);
        assert.equal(here, Buffer.compare(a, b) < 0 ? 'ours' : 'theirs');
      }),
    );
  });
});
