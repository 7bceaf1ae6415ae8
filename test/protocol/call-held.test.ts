/** Messages that come before their call, and those that come after it. */
import assert from 'node:assert/strict';
import { type CallId, callIdFromBytes, type MemberId, parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { hasEnded, markEnded } from '../../src/protocol/call-ended.ts';
import { expireHeld, type Held, hold, release, staysWithBridge } from '../../src/protocol/call-held.ts';

const id = (n: number): CallId => callIdFromBytes(new Uint8Array(16).fill(n));
/** Two of one server. */
const member = (n: number): MemberId => parseMemberId(`m${n}@maple${n >> 1}.example`);
const EMPTY: Held<number> = new Map();

function held(from: Held<number>, call: number, sender: number, message: number, now = 0): Held<number> {
  const result = hold(from, id(call), member(sender), message, now);
  assert.equal(result.kind, 'held');
  return result.kind === 'held' ? result.held : from;
}

describe('held messages', () => {
  it('come back in order of arrival, once', () => {
    const table = held(held(EMPTY, 1, 1, 10), 1, 1, 11);
    const first = release(table, id(1));
    assert.deepEqual(first.messages, [10, 11]);
    assert.deepEqual(release(first.held, id(1)).messages, []);
  });

  it('are at most 32 of a call', () => {
    let table = EMPTY;
    for (let i = 0; i < 32; i++) table = held(table, 1, 1, i);
    assert.equal(hold(table, id(1), member(1), 32, 0).kind, 'dropped');
  });

  it('are of at most 64 calls, and of one sender fewer, so that one stranger cannot fill the table', () => {
    let table = EMPTY;
    for (let i = 0; i < 64; i++) table = held(table, i, Math.floor(i / LIMITS.heldCallsPerMember), i);
    assert.equal(hold(table, id(64), member(0), 64, 0).kind, 'dropped');
    assert.equal(hold(table, id(64), member(99), 64, 0).kind, 'full');
    assert.equal(hold(table, id(1), member(0), 64, 0).kind, 'held');
    assert.equal(hold(table, id(64), member(0), 64, 0, true).kind, 'held', 'a call that is there');
  });

  it('of another member under the same call id are dropped', () => {
    assert.equal(hold(held(EMPTY, 1, 1, 1), id(1), member(2), 2, 0).kind, 'dropped');
  });

  it('are forgotten after 60 s', () => {
    const table = held(held(EMPTY, 1, 1, 1, 0), 2, 1, 2, 1);
    assert.deepEqual(expireHeld(table, 59_999), { held: table, messages: [] });
    const { held: rest, messages } = expireHeld(table, 60_000);
    assert.deepEqual([[...rest.keys()], messages], [[id(2)], [1]]);
  });
});

describe('what is held', () => {
  it('stays with the bridge where a restart must not forget it: a hangup before its offer, and nothing else', () => {
    assert.ok(staysWithBridge('app.volly.call.hangup', false));
    assert.ok(!staysWithBridge('app.volly.call.hangup', true));
    for (const type of ['candidates', 'select_answer', 'ringing', 'answer'] as const)
      assert.ok(!staysWithBridge(`app.volly.call.${type}`, false));
  });
});

describe('ended calls', () => {
  it('are remembered for 5 minutes', () => {
    const ended = markEnded(new Map(), [id(1), id(2)], 1_000);
    assert.ok(hasEnded(ended, id(1), 300_999));
    assert.ok(!hasEnded(ended, id(1), 301_000));
    assert.deepEqual([...markEnded(ended, [id(3)], 301_000).keys()], [id(3)]);
  });
});
