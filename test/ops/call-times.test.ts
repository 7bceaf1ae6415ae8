import assert from 'node:assert/strict';
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { CallTimes } from '../../src/ops/call-times.ts';
import type { EnvelopeType } from '../../src/protocol/envelope.ts';
import type { Passing } from '../../src/routing/ports.ts';
import { alice, bob, fern, orchid } from '../routing/bridge.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { mustBeKnown } from '../support/counting.ts';

const tablet = parseDeviceAddress('bob@fern.example/TABLET');
const random = seededRandom(7);

describe('the times of calls', () => {
  let clock: ManualClock;
  let said: string[];
  let times: CallTimes;
  const counters = {
    count: (name: string, labels: Readonly<Record<string, string>> = {}) => {
      mustBeKnown('counter', name, labels);
      said.push(Object.values(labels).join(' '));
    },
    observe: (name: string, value: number, labels: Readonly<Record<string, string>> = {}) => {
      mustBeKnown('histogram', name, labels);
      said.push(`${Object.values(labels).join(' ')} ${value} s`);
    },
  };
  beforeEach(() => {
    clock = new ManualClock();
    said = [];
    times = new CallTimes(orchid, clock, counters);
  });
  const routed = (type: string, from = alice, to = bob): Passing => {
    const passing = { id: newEnvelopeId(random), type: `app.volly.call.${type}` as EnvelopeType, from, to };
    times.step('routed', passing);
    return passing;
  };

  it('go from the offer to the first ringing, and to the answer', async () => {
    routed('offer');
    await clock.advance(200);
    routed('ringing', bob, alice);
    routed('ringing', bob, alice);
    await clock.advance(4_800);
    routed('answer', bob, alice);
    routed('answer', bob, alice);
    routed('hangup', bob, alice);
    assert.deepEqual(said, ['ringing caller 0.2 s', 'answer caller 5 s', 'answered caller']);
  });

  it('are of the callee’s side where the caller is another community’s', async () => {
    routed('offer', bob, alice);
    await clock.advance(1_000);
    routed('answer', alice, bob);
    assert.deepEqual(said, ['answer callee 1 s', 'answered callee']);
  });

  it('are for each device that is called', () => {
    routed('offer', alice, bob);
    routed('offer', alice, tablet);
    routed('answer', tablet, alice);
    routed('hangup', alice, bob);
    assert.deepEqual(said, ['answer caller 0 s', 'answered caller', 'hung_up caller']);
  });

  it('end with a word of the callee, of the caller, or of a bridge', () => {
    routed('offer');
    routed('reject', bob, alice);
    routed('offer');
    routed('hangup', bob, alice);
    const { id, from } = routed('offer');
    times.step('ended', { id, from }, { code: 'peer_unreachable' });
    const second = routed('offer');
    times.step('ended', second, { code: 'undeliverable' });
    assert.deepEqual(said, ['rejected caller', 'hung_up caller', 'undelivered caller', 'unanswered caller']);
    // Another's envelope with the same id, and messages of calls that are over, say nothing.
    times.step('ended', { id: routed('offer').id, from: tablet }, { code: 'undeliverable' });
    routed('candidates', bob, alice);
    routed('ringing', tablet, alice);
    assert.equal(said.length, 4);
  });

  it('count an offer that nobody answered once its time is over', async () => {
    routed('offer');
    await clock.advance(70_000);
    routed('offer', bob, alice);
    assert.deepEqual(said, ['unanswered caller']);
  });

  it('take no more memory than so many calls at once', () => {
    for (let n = 0; n <= LIMITS.offersTimed; n++) routed('offer', parseDeviceAddress(`m${n}@fern.example/PHONE`), alice);
    routed('answer', alice, parseDeviceAddress('m0@fern.example/PHONE'));
    assert.deepEqual(said, [], 'the oldest is not timed');
    routed('answer', alice, parseDeviceAddress(`m${LIMITS.offersTimed}@fern.example/PHONE`));
    assert.deepEqual(said.length, 2);
  });

  it('are not taken of what is no call', () => {
    times.step('routed', { id: newEnvelopeId(random), type: 'app.volly.keys.query', from: alice, to: fern });
    times.step('sent', { id: newEnvelopeId(random), type: 'app.volly.call.offer', from: alice, to: bob });
    routed('answer', bob, alice);
    assert.deepEqual(said, []);
  });
});
