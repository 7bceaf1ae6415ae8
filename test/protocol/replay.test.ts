import assert from 'node:assert/strict';
import { parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { ReplayKeys } from '../../src/protocol/opening.ts';
import { OfferReplayCache, PresenceReplayCache } from '../../src/protocol/replay.ts';
import { code } from '../crypto/providers.ts';
import { NOW } from './people.ts';

let count = 0;
const keys = (change: Partial<ReplayKeys> = {}): ReplayKeys => {
  const n = String(count++);
  return { enc: n, call: n, stream: n, sender: parseMemberId('alice@a.example'), sentTs: NOW, ...change };
};
const member = (n: number) => parseMemberId(`m${n}@${'abcdefgh'[n % 8]}.example`);

describe('The replay cache of offers', () => {
  it('R14 refuses the same key or the same call of a device a second time', () => {
    const cache = new OfferReplayCache();
    const one = keys();
    cache.record(one, NOW);
    for (const again of [one, keys({ enc: one.enc }), keys({ call: one.call })])
      for (const use of [() => cache.check(again, NOW), () => cache.record(again, NOW)]) assert.throws(use, code('replayed'));
    cache.check(keys(), NOW);
  });

  it('R14 remembers across a restart', () => {
    const cache = new OfferReplayCache();
    const one = keys();
    cache.record(one, NOW);
    const later = new OfferReplayCache(JSON.parse(JSON.stringify(cache.snapshot())));
    assert.throws(() => later.check(one, NOW), code('replayed'));
  });

  it('R14 refuses what it has forgotten, by the watermark, also after the clock went back and a restart', () => {
    const cache = new OfferReplayCache();
    const one = keys();
    cache.record(one, NOW);
    cache.check(keys({ sentTs: NOW + LIMITS.replayMs }), NOW + LIMITS.replayMs);
    assert.equal(cache.snapshot().entries.length, 1);
    cache.check(keys({ sentTs: NOW + LIMITS.replayMs }), NOW + LIMITS.replayMs + 1);
    assert.deepEqual(cache.snapshot(), { watermark: NOW, entries: [] });
    for (const after of [cache, new OfferReplayCache(cache.snapshot())]) {
      assert.throws(() => after.check(one, NOW), code('replayed'));
      assert.throws(() => after.check(keys({ sentTs: NOW - 1 }), NOW), code('replayed'));
      after.check(keys({ sentTs: NOW + 1 }), NOW);
    }
  });

  it('refuses a sender whose share is full and evicts nothing early', () => {
    const cache = new OfferReplayCache();
    const firstOne = keys();
    cache.record(firstOne, NOW);
    for (let i = 1; i < LIMITS.replayEntriesPerSender; i++) cache.record(keys(), NOW);
    assert.throws(() => cache.check(keys(), NOW), code('rate_limited'));
    assert.throws(() => cache.check(firstOne, NOW), code('replayed'));
    cache.check(keys({ sender: member(1) }), NOW);
    // The share is free again once its entries are old.
    const later = NOW + LIMITS.replayMs + 1;
    cache.check(keys({ sentTs: later }), later);
  });

  it('refuses everybody when it is full, and still knows every entry', () => {
    const cache = new OfferReplayCache();
    const entries = Array.from({ length: LIMITS.replayEntries }, (_, i) => keys({ sender: member(i >> 6) }));
    for (const entry of entries) cache.record(entry, NOW);
    assert.throws(() => cache.check(keys({ sender: member(9_999) }), NOW), code('rate_limited'));
    for (const entry of entries) assert.throws(() => cache.check(entry, NOW), code('replayed'));
  });
});

describe('The replay cache of subscribe and grant', () => {
  it('R14 takes only what is newer from one device, and a newer one takes the place of the older', () => {
    const cache = new PresenceReplayCache();
    for (let i = 0; i < 200; i++) cache.record(keys({ stream: 'phone', sentTs: NOW + i }), NOW + i);
    assert.equal(cache.snapshot().entries.length, 1);
    for (const sentTs of [NOW, NOW + 199])
      assert.throws(() => cache.check(keys({ stream: 'phone', sentTs }), NOW + 200), code('replayed'));
    cache.check(keys({ stream: 'desk', sentTs: NOW }), NOW + 200);
  });

  it('R14 remembers for 7 days and across a restart, and then refuses by the watermark', () => {
    const cache = new PresenceReplayCache();
    const one = keys();
    cache.record(one, NOW);
    const restarted = new PresenceReplayCache(cache.snapshot());
    assert.throws(() => restarted.check(one, NOW + LIMITS.grantLifeMs), code('replayed'));
    restarted.check(keys({ sentTs: NOW + 1 }), NOW + LIMITS.grantLifeMs + 1);
    assert.deepEqual(restarted.snapshot(), { watermark: NOW, entries: [] });
    assert.throws(() => restarted.check(one, NOW), code('replayed'));
  });

  it('refuses a member with too many devices', () => {
    const cache = new PresenceReplayCache();
    for (let i = 0; i < LIMITS.replayEntriesPerSender; i++) cache.record(keys(), NOW);
    assert.throws(() => cache.check(keys(), NOW), code('rate_limited'));
    cache.check(keys({ sender: member(1) }), NOW);
  });
});
