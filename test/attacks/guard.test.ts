/** One hostile server with as many members as it likes, against one device. */
import assert from 'node:assert/strict';
import { StoredGuard } from '../../src/client/guard.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { type MemberId, parseDeviceAddress, parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { hold } from '../../src/protocol/call-held.ts';
import type { ReplayKeys } from '../../src/protocol/opening.ts';
import { OfferReplayCache, PresenceReplayCache } from '../../src/protocol/replay.ts';
import { ManualClock } from '../support/clock.ts';

const limited = { code: 'rate_limited' };
const deviceOf = (i: number, server = 'evil.example') => parseDeviceAddress(`m${i}@${server}/PHONE`);

describe('attacks by one server with many members', () => {
  const contact = parseMemberId('alice@orchid.example');
  let clock: ManualClock;
  let guard: StoredGuard;

  beforeEach(async () => {
    clock = new ManualClock();
    const isContact = (member: MemberId) => member === contact;
    guard = await StoredGuard.load(new MemoryStore(), 'calls', { now: () => clock.now(), clock, isContact });
  });

  const flood = (servers: number): number => {
    let passed = 0;
    for (let i = 0; i < 3_000; i++)
      try {
        guard.checkRate(deviceOf(i, `evil${i % servers}.example`));
        passed++;
      } catch {}
    return passed;
  };

  it('junk under made-up names does not keep strangers of other servers from calling', () => {
    assert.ok(flood(1) <= 120);
    guard.checkRate(deviceOf(1, 'honest.example'));
  });

  it('nor, from however many servers, a contact', () => {
    assert.ok(flood(500) <= 600);
    assert.throws(() => guard.checkRate(deviceOf(1, 'honest.example')), limited);
    for (let i = 0; i < 30; i++) guard.checkRate(parseDeviceAddress(`${contact}/PHONE`));
    assert.throws(() => guard.checkRate(parseDeviceAddress(`${contact}/PHONE`)), limited);
  });

  it('signed openings of one server fill a quarter of the replay caches', () => {
    const now = clock.now();
    for (const Cache of [OfferReplayCache, PresenceReplayCache]) {
      const cache = new Cache();
      const keys = (i: number, server: string): ReplayKeys => ({
        ...{ enc: `${i}`, call: `${i}`, stream: `${i}`, sender: parseMemberId(`m${i >> 3}@${server}`), sentTs: now },
      });
      for (let i = 0; i < LIMITS.replayEntriesPerServer; i++) cache.record(keys(i, 'evil.example'), now);
      assert.throws(() => cache.check(keys(9_999, 'evil.example'), now), limited);
      cache.check(keys(9_999, 'honest.example'), now);
    }
  });

  it('early messages of one server take a quarter of the room for them', () => {
    let held: Parameters<typeof hold<string>>[0] = new Map();
    const put = (i: number, server: string): string => {
      const result = hold(held, `call ${i} ${server}` as never, parseMemberId(`m${i}@${server}`), 'message', 0);
      if (result.kind === 'held') held = result.held;
      return result.kind;
    };
    const kinds = Array.from({ length: LIMITS.heldCalls }, (_, i) => put(i, 'evil.example'));
    assert.equal(kinds.filter((kind) => kind === 'held').length, LIMITS.heldCalls / 4);
    assert.ok(!kinds.includes('full'));
    assert.equal(put(1, 'honest.example'), 'held');
  });
});
