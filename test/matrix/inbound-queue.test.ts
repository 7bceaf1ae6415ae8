import assert from 'node:assert/strict';
import { systemRandom } from '../../src/clock.ts';
import { newEnvelopeId } from '../../src/ids.ts';
import type { Arrival } from '../../src/matrix/inbound.ts';
import { InboundQueue } from '../../src/matrix/inbound-queue.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { IRIS, ORCHID } from './fake-world.ts';
import { silent } from './receiver-contract.ts';

const inbound = () => {
  const id = newEnvelopeId(systemRandom);
  const envelope = { id, type: 'app.volly.hello', from: IRIS, to: ORCHID, expires: 1, time: 1, reply: false } as const;
  const arrivals: Arrival[] = [{ server: IRIS, envelope }];
  return { arrivals, refused: [], strangers: 0, echoes: [] };
};

describe('inbound queue', () => {
  it('has passed when what it held at that moment is routed, whatever comes behind', async () => {
    const { journal, quarantine } = memoryStores();
    const routes: (() => void)[] = [];
    const route = { route: () => new Promise<void>((resolve) => routes.push(resolve)) };
    const { signal } = new AbortController();
    const clock = new ManualClock();
    const queue = new InboundQueue({ journal, quarantine, route, clock, counters: silent, log: silent, signal });
    const seen: string[] = [];
    const look = (name: string): void => void queue.passed().then(() => seen.push(name));
    look('empty');
    await settle();
    assert.deepEqual(seen, ['empty']);
    queue.add(journal.append('sync', 'raw'), inbound());
    look('one');
    queue.add(journal.append('sync', 'raw'), inbound());
    look('two');
    await settle();
    assert.deepEqual(seen, ['empty']);
    routes[0]!();
    await settle();
    assert.deepEqual(seen, ['empty', 'one']);
    routes[1]!();
    await settle();
    assert.deepEqual(seen, ['empty', 'one', 'two']);
  });
});
