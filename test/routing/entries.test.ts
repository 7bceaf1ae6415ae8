import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EnvelopeId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { EnvelopeType } from '../../src/protocol/envelope.ts';
import { type Entry, ReadyQueue } from '../../src/routing/entries.ts';
import { fern, moss } from './bridge.ts';

const TYPES: readonly EnvelopeType[] = ['app.volly.call.offer', 'app.volly.call.answer', 'app.volly.presence'];
const entry = (n: number, type: EnvelopeType, size: number, key?: string): Entry => ({
  id: String(n) as EnvelopeId,
  peer: fern,
  type,
  from: moss,
  to: fern,
  encoded: 'x'.repeat(size),
  deadline: 0,
  acked: true,
  since: 0,
  dueAt: 0,
  tries: 0,
  left: false,
  sending: false,
  ...(key === undefined ? {} : { key }),
});

describe('the queue of a peer', () => {
  it('gives events of one type, within the size, in order within a type, and everything once', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: LIMITS.envelopeBytes }));
    const added = fc.array(fc.tuple(fc.constantFrom(...TYPES), size), { maxLength: 600 });
    fc.assert(
      fc.property(added, (list) => {
        const queue = new ReadyQueue();
        const entries = list.map(([type, bytes], n) => entry(n, type, bytes));
        for (const each of entries) queue.add(each);
        const taken: Entry[] = [];
        while (queue.size > 0) {
          const event = queue.take();
          assert.ok(event.length > 0 && event.length <= LIMITS.envelopesPerEvent);
          assert.equal(new Set(event.map((each) => each.type)).size, 1);
          assert.ok(event.reduce((sum, each) => sum + each.encoded.length, 0) <= LIMITS.eventBytes);
          taken.push(...event);
        }
        for (const type of TYPES) {
          const ofType = (all: readonly Entry[]) => all.filter((each) => each.type === type);
          assert.deepEqual(ofType(taken), ofType(entries));
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('serves the longest waiting type first', () => {
    const queue = new ReadyQueue();
    const entries = [entry(0, TYPES[0]!, 10), entry(1, TYPES[1]!, 10), entry(2, TYPES[0]!, 10)];
    for (const each of entries) queue.add(each);
    assert.deepEqual(queue.take(), [entries[0], entries[2]]);
    assert.deepEqual(queue.take(), [entries[1]]);
    assert.deepEqual(queue.take(), []);
  });

  it('knows when one type alone fills an event', () => {
    const queue = new ReadyQueue();
    queue.add(entry(0, TYPES[0]!, 40_000));
    queue.add(entry(1, TYPES[1]!, 40_000));
    assert.equal(queue.hasWholeEvent(), false);
    queue.add(entry(2, TYPES[1]!, 20_000));
    assert.equal(queue.hasWholeEvent(), true);
  });

  it('puts the newest of a key in the place of an older one', () => {
    const queue = new ReadyQueue();
    const [older, newer] = [entry(0, TYPES[2]!, 10, 'k'), entry(1, TYPES[2]!, 10, 'k')];
    assert.equal(queue.add(older), undefined);
    assert.equal(queue.add(newer), older);
    assert.deepEqual(queue.take(), [newer]);
    queue.add(older);
    assert.equal(queue.size, 1);
  });
});
