/** What journals, inboxes and outboxes keep. */
import assert from 'node:assert/strict';
import { parseDeviceAddress, parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { InboxRow, Stores } from '../../src/storage/types.ts';
import { fern, idOf, inboxRow, orchid, outboxRow, phone } from './rows.ts';

export function queuesContract(stores: () => Stores): void {
  const accept = (row: InboxRow, forgetAt = 5_000) => stores().inbox.accept({ origin: row.origin, id: row.id, forgetAt }, row);

  describe('journal', () => {
    it('keeps entries in order, each receiver its own, until they are done', async () => {
      const first = await stores().journal.append('sync', 'one');
      await stores().journal.append('other', 'x');
      const second = await stores().journal.append('sync', 'two');
      assert.ok(second > first);
      assert.deepEqual(await stores().journal.pending('sync'), [
        { entry: first, raw: 'one' },
        { entry: second, raw: 'two' },
      ]);
      await stores().journal.done(first);
      assert.deepEqual(await stores().journal.pending('sync'), [{ entry: second, raw: 'two' }]);
      assert.equal((await stores().journal.pending('other')).length, 1);
    });
  });

  describe('inbox', () => {
    it('tells a repeated envelope, from each origin its own', async () => {
      assert.equal(await accept(inboxRow(1)), 'accepted');
      assert.equal(await accept(inboxRow(1, { encoded: 'other' })), 'duplicate');
      assert.equal(await accept(inboxRow(1, { origin: fern })), 'accepted');
      assert.deepEqual(await stores().inbox.waiting(phone), [inboxRow(1), inboxRow(1, { origin: fern })]);
    });

    it('tells two of the same moment apart from a repeat', async () => {
      const results = await Promise.all([accept(inboxRow(1)), accept(inboxRow(2)), accept(inboxRow(1))]);
      assert.deepEqual(results, ['accepted', 'accepted', 'duplicate']);
    });

    it('remembers without a row', async () => {
      assert.equal(await stores().inbox.seen(orchid, idOf(1)), false);
      assert.equal(await stores().inbox.accept({ origin: orchid, id: idOf(1), forgetAt: 10 }), 'accepted');
      assert.equal(await stores().inbox.seen(orchid, idOf(1)), true);
      assert.equal(await stores().inbox.seen(fern, idOf(1)), false);
      assert.deepEqual(await stores().inbox.waiting(phone), []);
    });

    it('lets only the device it is for take a row, once, and still tells a repeat', async () => {
      await accept(inboxRow(1));
      assert.equal(await stores().inbox.taken(parseDeviceAddress('bob@fern.example/TABLET'), orchid, idOf(1)), false);
      assert.equal(await stores().inbox.taken(phone, orchid, idOf(1)), true);
      assert.equal(await stores().inbox.taken(phone, orchid, idOf(1)), false);
      assert.equal(await accept(inboxRow(1)), 'duplicate');
    });

    it('shows a row no more from the moment it is taken, though its end on disk may wait for company', async () => {
      await accept(inboxRow(1));
      const taken = stores().inbox.taken(phone, orchid, idOf(1));
      assert.deepEqual(await stores().inbox.waiting(phone), []);
      assert.equal(await taken, true);
    });

    it('shows what is past its end, soonest first, until it is removed, and tells its repeats even then', async () => {
      for (const n of [2, 1, 3]) await accept(inboxRow(n, { expires: 1_000 * n }));
      const due = async (now: number, limit: number) => (await stores().inbox.expired(now, limit)).map((row) => row.id);
      assert.deepEqual(await due(999, 10), []);
      assert.deepEqual(await due(2_500, 1), [idOf(1)]);
      const { encoded: _, ...addresses } = inboxRow(1);
      assert.deepEqual(await stores().inbox.expired(1_000, 10), [addresses]);
      await stores().inbox.remove([
        { origin: orchid, id: idOf(1) },
        { origin: fern, id: idOf(2) },
      ]);
      assert.deepEqual(await due(2_500, 10), [idOf(2)]);
      assert.equal((await stores().inbox.waiting(phone)).length, 2);
      assert.equal(await accept(inboxRow(1)), 'duplicate');
    });

    it('does not show as past its end what was taken a moment ago', async () => {
      await accept(inboxRow(1, { expires: 1_000 }));
      const taken = stores().inbox.taken(phone, orchid, idOf(1));
      assert.deepEqual(await stores().inbox.expired(1_000, 10), []);
      assert.equal(await taken, true);
    });

    it('forgets ids in portions, none before its time', async () => {
      for (const n of [1, 2, 3]) await accept(inboxRow(n), 1_000 * n);
      assert.equal(await stores().inbox.forget(999, 10), 0);
      assert.equal(await stores().inbox.forget(2_500, 1), 1);
      assert.equal(await stores().inbox.forget(2_500, 10), 1);
      assert.deepEqual(await Promise.all([1, 2, 3].map((n) => stores().inbox.seen(orchid, idOf(n)))), [false, false, true]);
      assert.equal(await accept(inboxRow(3)), 'duplicate');
    });

    it('counts what waits and what is remembered', async () => {
      assert.deepEqual(await stores().inbox.counts(), { waiting: 0, seen: 0 });
      for (const n of [1, 2]) await accept(inboxRow(n));
      await accept(inboxRow(3, { origin: fern }));
      await stores().inbox.remove([inboxRow(1)]);
      assert.deepEqual(await stores().inbox.counts(), { waiting: 2, seen: 3 });
    });

    it('is full for one device without being full for another', async () => {
      const of = (n: number) => ({ origin: n % 2 ? fern : orchid, from: `m${n}@${n % 2 ? fern : orchid}/PHONE` });
      const fill = Array.from({ length: LIMITS.inboxPerDevice }, (_, n) => accept(inboxRow(n, of(n))));
      assert.ok((await Promise.all(fill)).every((result) => result === 'accepted'));
      assert.equal(await accept(inboxRow(9_999)), 'full');
      assert.equal(await stores().inbox.seen(orchid, idOf(9_999)), false);
      assert.equal(await accept(inboxRow(9_998, { to: parseDeviceAddress('bob@fern.example/TABLET') })), 'accepted');
      await stores().inbox.taken(phone, orchid, idOf(0));
      assert.equal(await accept(inboxRow(9_999)), 'accepted');
    });

    it('is full for one origin without being full for another', async () => {
      const to = (n: number) => parseDeviceAddress(`m${n % 100}@fern.example/PHONE`);
      const fill = Array.from({ length: LIMITS.inboxPerOrigin }, (_, n) =>
        accept(inboxRow(n, { to: to(n), from: `m${n}@orchid.example/PHONE` })),
      );
      assert.ok((await Promise.all(fill)).every((result) => result === 'accepted'));
      assert.equal(await accept(inboxRow(99_999)), 'full');
      assert.equal(await accept(inboxRow(99_999, { origin: fern })), 'accepted');
    });
  });

  describe('peers', () => {
    const peer = (n: number, changes = {}) => ({ server: parseServerName(`s${n}.example`), heardAt: n, ...changes });

    it('are given back longest unheard first, as they were last put', async () => {
      await stores().peers.put([peer(2, { skewMs: -30_000 }), peer(1)]);
      assert.deepEqual(await stores().peers.all(), [peer(1), peer(2, { skewMs: -30_000 })]);
      await stores().peers.put([peer(1, { heardAt: 3, skewMs: 0 })]);
      assert.deepEqual(await stores().peers.all(), [peer(2, { skewMs: -30_000 }), peer(1, { heardAt: 3, skewMs: 0 })]);
    });

    it('are bounded: the longest unheard is forgotten', async () => {
      await stores().peers.put(Array.from({ length: LIMITS.peers }, (_, n) => peer(n)));
      await stores().peers.put([peer(LIMITS.peers), peer(0, { heardAt: 5 })]);
      const left = await stores().peers.all();
      assert.equal(left.length, LIMITS.peers);
      // 1 was unheard longest; 0 had been until just now.
      assert.deepEqual(left[0], peer(2));
      assert.ok(left.some(({ server }) => server === peer(0).server));
    });
  });

  describe('outbox', () => {
    it('gives back all rows, oldest first', async () => {
      await Promise.all([3, 1, 2].map((n) => stores().outbox.put(outboxRow(n))));
      assert.deepEqual(await stores().outbox.all(), [outboxRow(3), outboxRow(1), outboxRow(2)]);
      assert.equal(await stores().outbox.put(outboxRow(1)), 'duplicate');
    });

    it('lets a peer acknowledge its own rows only', async () => {
      await stores().outbox.put(outboxRow(1));
      await stores().outbox.put(outboxRow(2));
      assert.deepEqual(await stores().outbox.acknowledge(orchid, [idOf(1)]), []);
      assert.deepEqual(await stores().outbox.acknowledge(fern, [idOf(1), idOf(7)]), [idOf(1)]);
      assert.deepEqual(await stores().outbox.acknowledge(fern, [idOf(1)]), []);
      assert.deepEqual(await stores().outbox.all(), [outboxRow(2)]);
    });

    it('keeps the addresses of an acknowledged row for a while past its end', async () => {
      await stores().outbox.put(outboxRow(1));
      await stores().outbox.acknowledge(fern, [idOf(1)]);
      const { encoded: _, ...addresses } = outboxRow(1);
      await stores().outbox.forget(999 + LIMITS.ackedMemoryMs);
      assert.deepEqual(await stores().outbox.find(idOf(1)), addresses);
      assert.equal(await stores().outbox.put(outboxRow(1)), 'duplicate');
      await stores().outbox.forget(1_000 + LIMITS.ackedMemoryMs);
      assert.equal(await stores().outbox.find(idOf(1)), undefined);
    });

    it('finds rows that wait, and removes rows and their memory', async () => {
      await stores().outbox.put(outboxRow(1));
      await stores().outbox.put(outboxRow(2));
      assert.equal((await stores().outbox.find(idOf(1)))?.peer, fern);
      await stores().outbox.acknowledge(fern, [idOf(2)]);
      await stores().outbox.remove([idOf(1), idOf(2)]);
      assert.equal(await stores().outbox.find(idOf(1)), undefined);
      assert.equal(await stores().outbox.find(idOf(2)), undefined);
      assert.deepEqual(await stores().outbox.all(), []);
    });

    it('is full for one device and for one peer', async () => {
      const put = (n: number, name: string) => stores().outbox.put(outboxRow(n, { from: `${name}@orchid.example/PHONE` }));
      const results = await Promise.all(
        Array.from({ length: LIMITS.outboxPerPeer }, (_, n) => put(n, `m${Math.floor(n / LIMITS.outboxPerDevice)}`)),
      );
      assert.ok(results.every((result) => result === 'accepted'));
      assert.equal(await put(99_999, 'new'), 'full');
      await stores().outbox.remove([idOf(LIMITS.outboxPerPeer - 1)]);
      assert.equal(await put(99_999, 'm0'), 'full');
      assert.equal(await put(99_999, 'new'), 'accepted');
      assert.equal(await stores().outbox.put(outboxRow(99_998, { peer: orchid })), 'accepted');
    });

    it('has room for what the bridge itself says up to the peer’s share', async () => {
      const put = (n: number) => stores().outbox.put(outboxRow(n, { from: orchid }));
      const results = await Promise.all(Array.from({ length: LIMITS.outboxPerDevice + 1 }, (_, n) => put(n)));
      assert.ok(results.every((result) => result === 'accepted'));
    });
  });
}
