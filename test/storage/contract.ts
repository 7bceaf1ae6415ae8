/** What every implementation of the stores keeps. `open` gives fresh, empty stores; the suite closes them. */
import assert from 'node:assert/strict';
import type { EnvelopeId } from '../../src/ids.ts';
import { parseDeviceAddress, parseDeviceId, parseLocalpart, parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { InboxRow, OutboxRow, Stores } from '../../src/storage/types.ts';

const orchid = parseServerName('orchid.example');
const fern = parseServerName('fern.example');
const phone = parseDeviceAddress('bob@fern.example/PHONE');
const alice = parseLocalpart('alice');
const PHONE = parseDeviceId('PHONE');
const TABLET = parseDeviceId('TABLET');

export const idOf = (n: number): EnvelopeId => `${String(n).padStart(21, '0')}A` as EnvelopeId;
const bytes = (...values: number[]) => Uint8Array.from(values);
const plain = (value: Uint8Array | undefined) => value && [...value];

export const outboxRow = (n: number, changes: Partial<OutboxRow> = {}): OutboxRow => ({
  id: idOf(n),
  peer: fern,
  type: 'app.volly.call.offer',
  from: 'alice@orchid.example/PHONE',
  to: phone,
  expires: 1_000,
  encoded: `{"n":${n}}`,
  ...changes,
});

export const inboxRow = (n: number, changes: Partial<InboxRow> = {}): InboxRow => ({
  id: idOf(n),
  origin: orchid,
  type: 'app.volly.call.offer',
  from: 'alice@orchid.example/PHONE',
  to: phone,
  expires: 1_000,
  encoded: `{"n":${n}}`,
  ...changes,
});

export function storesContract(open: () => Promise<Stores>): void {
  let stores: Stores;
  beforeEach(async () => {
    stores = await open();
  });
  afterEach(() => stores.close());
  const accept = (row: InboxRow, forgetAt = 5_000) => stores.inbox.accept({ origin: row.origin, id: row.id, forgetAt }, row);

  describe('journal', () => {
    it('keeps entries in order, each receiver its own, until they are done', async () => {
      const first = await stores.journal.append('sync', 'one', 's1');
      await stores.journal.append('other', 'x', 'o1');
      const second = await stores.journal.append('sync', 'two', 's2');
      assert.ok(second > first);
      assert.deepEqual(await stores.journal.pending('sync'), [
        { entry: first, raw: 'one' },
        { entry: second, raw: 'two' },
      ]);
      await stores.journal.done(first);
      assert.deepEqual(await stores.journal.pending('sync'), [{ entry: second, raw: 'two' }]);
      assert.equal(await stores.journal.position('sync'), 's2');
      assert.equal(await stores.journal.position('other'), 'o1');
    });

    it('forgets a position and keeps the entries', async () => {
      await stores.journal.append('sync', 'one', 's1');
      await stores.journal.reset('sync');
      assert.equal(await stores.journal.position('sync'), undefined);
      assert.equal((await stores.journal.pending('sync')).length, 1);
    });
  });

  describe('inbox', () => {
    it('tells a repeated envelope, from each origin its own', async () => {
      assert.equal(await accept(inboxRow(1)), 'accepted');
      assert.equal(await accept(inboxRow(1, { encoded: 'other' })), 'duplicate');
      assert.equal(await accept(inboxRow(1, { origin: fern })), 'accepted');
      assert.deepEqual(await stores.inbox.waiting(phone), [inboxRow(1), inboxRow(1, { origin: fern })]);
    });

    it('tells two of the same moment apart from a repeat', async () => {
      const results = await Promise.all([accept(inboxRow(1)), accept(inboxRow(2)), accept(inboxRow(1))]);
      assert.deepEqual(results, ['accepted', 'accepted', 'duplicate']);
    });

    it('remembers without a row', async () => {
      assert.equal(await stores.inbox.seen(orchid, idOf(1)), false);
      assert.equal(await stores.inbox.accept({ origin: orchid, id: idOf(1), forgetAt: 10 }), 'accepted');
      assert.equal(await stores.inbox.seen(orchid, idOf(1)), true);
      assert.equal(await stores.inbox.seen(fern, idOf(1)), false);
      assert.deepEqual(await stores.inbox.waiting(phone), []);
    });

    it('lets only the device it is for take a row, once, and still tells a repeat', async () => {
      await accept(inboxRow(1));
      assert.equal(await stores.inbox.taken(parseDeviceAddress('bob@fern.example/TABLET'), orchid, idOf(1)), false);
      assert.equal(await stores.inbox.taken(phone, orchid, idOf(1)), true);
      assert.equal(await stores.inbox.taken(phone, orchid, idOf(1)), false);
      assert.equal(await accept(inboxRow(1)), 'duplicate');
    });

    it('expires rows in portions, soonest first, then forgets their ids', async () => {
      for (const n of [1, 2, 3]) await accept(inboxRow(n, { expires: 1_000 * n }));
      assert.deepEqual(await stores.inbox.expire(999, 10), []);
      assert.deepEqual(await stores.inbox.expire(2_500, 1), [inboxRow(1, { expires: 1_000 })]);
      assert.deepEqual(await stores.inbox.expire(2_500, 10), [inboxRow(2, { expires: 2_000 })]);
      assert.equal(await accept(inboxRow(1)), 'duplicate');
      assert.equal((await stores.inbox.expire(5_000, 10)).length, 1);
      assert.equal(await accept(inboxRow(1)), 'accepted');
    });

    it('is full for one device without being full for another', async () => {
      const fill = Array.from({ length: LIMITS.inboxPerDevice }, (_, n) => accept(inboxRow(n)));
      assert.ok((await Promise.all(fill)).every((result) => result === 'accepted'));
      assert.equal(await accept(inboxRow(9_999)), 'full');
      assert.equal(await stores.inbox.seen(orchid, idOf(9_999)), false);
      assert.equal(await accept(inboxRow(9_998, { to: parseDeviceAddress('bob@fern.example/TABLET') })), 'accepted');
      await stores.inbox.taken(phone, orchid, idOf(0));
      assert.equal(await accept(inboxRow(9_999)), 'accepted');
    });

    it('is full for one origin without being full for another', async () => {
      const to = (n: number) => parseDeviceAddress(`m${n % 100}@fern.example/PHONE`);
      const fill = Array.from({ length: LIMITS.inboxPerOrigin }, (_, n) => accept(inboxRow(n, { to: to(n) })));
      assert.ok((await Promise.all(fill)).every((result) => result === 'accepted'));
      assert.equal(await accept(inboxRow(99_999)), 'full');
      assert.equal(await accept(inboxRow(99_999, { origin: fern })), 'accepted');
    });
  });

  describe('outbox', () => {
    it('gives back all rows, oldest first', async () => {
      await Promise.all([3, 1, 2].map((n) => stores.outbox.put(outboxRow(n))));
      assert.deepEqual(await stores.outbox.all(), [outboxRow(3), outboxRow(1), outboxRow(2)]);
      assert.equal(await stores.outbox.put(outboxRow(1)), 'duplicate');
    });

    it('lets a peer acknowledge its own rows only', async () => {
      await stores.outbox.put(outboxRow(1));
      await stores.outbox.put(outboxRow(2));
      assert.deepEqual(await stores.outbox.acknowledge(orchid, [idOf(1)]), []);
      assert.deepEqual(await stores.outbox.acknowledge(fern, [idOf(1), idOf(7)]), [idOf(1)]);
      assert.deepEqual(await stores.outbox.acknowledge(fern, [idOf(1)]), []);
      assert.deepEqual(await stores.outbox.all(), [outboxRow(2)]);
    });

    it('keeps the addresses of an acknowledged row for a minute past its end', async () => {
      await stores.outbox.put(outboxRow(1));
      await stores.outbox.acknowledge(fern, [idOf(1)]);
      const { encoded: _, ...addresses } = outboxRow(1);
      await stores.outbox.forget(60_999);
      assert.deepEqual(await stores.outbox.find(idOf(1)), addresses);
      assert.equal(await stores.outbox.put(outboxRow(1)), 'duplicate');
      await stores.outbox.forget(61_000);
      assert.equal(await stores.outbox.find(idOf(1)), undefined);
    });

    it('finds rows that wait, and removes rows and their memory', async () => {
      await stores.outbox.put(outboxRow(1));
      await stores.outbox.put(outboxRow(2));
      assert.equal((await stores.outbox.find(idOf(1)))?.peer, fern);
      await stores.outbox.acknowledge(fern, [idOf(2)]);
      await stores.outbox.remove([idOf(1), idOf(2)]);
      assert.equal(await stores.outbox.find(idOf(1)), undefined);
      assert.equal(await stores.outbox.find(idOf(2)), undefined);
      assert.deepEqual(await stores.outbox.all(), []);
    });

    it('is full for one device and for one peer', async () => {
      const put = (n: number, from: string) => stores.outbox.put(outboxRow(n, { from }));
      const results = await Promise.all(
        Array.from({ length: LIMITS.outboxPerPeer }, (_, n) => put(n, `m${Math.floor(n / LIMITS.outboxPerDevice)}`)),
      );
      assert.ok(results.every((result) => result === 'accepted'));
      assert.equal(await put(99_999, 'new'), 'full');
      await stores.outbox.remove([idOf(LIMITS.outboxPerPeer - 1)]);
      assert.equal(await put(99_999, 'm0'), 'full');
      assert.equal(await put(99_999, 'new'), 'accepted');
      assert.equal(await stores.outbox.put(outboxRow(99_998, { peer: orchid })), 'accepted');
    });
  });

  describe('quarantine', () => {
    it('is bounded in rows and in bytes', async () => {
      const add = (content: string) => stores.quarantine.add({ at: 1, source: 'sync', code: 'bad_encoding', content });
      await Promise.all(Array.from({ length: LIMITS.quarantineRows + 5 }, () => add('x')));
      assert.equal(await stores.quarantine.count(), LIMITS.quarantineRows);
      await Promise.all(Array.from({ length: 300 }, () => add('x'.repeat(100_000))));
      assert.equal(await stores.quarantine.count(), Math.floor(LIMITS.quarantineBytes / LIMITS.envelopeBytes));
    });
  });

  describe('members', () => {
    const list = (version: number, devices = [PHONE, TABLET]) => ({
      version,
      hash: bytes(version),
      bytes: bytes(1, version),
      devices: devices.map((device) => ({ member: alice, device, key: bytes(9) })),
    });

    it('adds a member once', async () => {
      assert.equal(await stores.members.kind(alice), undefined);
      assert.equal(await stores.members.add(alice, 'enhanced'), true);
      assert.equal(await stores.members.add(alice, 'legacy'), false);
      assert.equal(await stores.members.kind(alice), 'enhanced');
      assert.deepEqual(await stores.members.members(), [alice]);
    });

    it('replaces the list with its devices, and drops bundles of devices that left', async () => {
      await stores.members.add(alice, 'enhanced');
      await stores.members.setList(alice, list(1));
      await stores.members.publish(alice, PHONE, bytes(1));
      await stores.members.publish(alice, TABLET, bytes(2));
      await stores.members.publish(alice, PHONE, bytes(3));
      await stores.members.setList(alice, list(2, [PHONE]));
      assert.deepEqual(
        (await stores.members.devices(alice)).map((row) => row.device),
        [PHONE],
      );
      const bundles = await stores.members.bundles(alice);
      assert.deepEqual(
        bundles.map((row) => [row.device, plain(row.bundle)]),
        [[PHONE, [3]]],
      );
      const stored = await stores.members.list(alice);
      assert.deepEqual([stored?.version, plain(stored?.hash), plain(stored?.bytes)], [2, [2], [1, 2]]);
    });

    it('refuses an older list, another of the same version, and unknown members', async () => {
      await assert.rejects(stores.members.setList(alice, list(1)), { code: 'unknown_member' });
      await assert.rejects(stores.members.publish(alice, PHONE, bytes(1)), { code: 'unknown_member' });
      await stores.members.add(alice, 'enhanced');
      await stores.members.setList(alice, list(5));
      await stores.members.setList(alice, list(5));
      await assert.rejects(stores.members.setList(alice, list(4)), { code: 'stale_list' });
      await assert.rejects(stores.members.setList(alice, { ...list(5), hash: bytes(0) }), { code: 'stale_list' });
      assert.equal((await stores.members.list(alice))?.version, 5);
      assert.equal(await stores.members.list(parseLocalpart('nobody')), undefined);
    });
  });

  describe('invites and tickets', () => {
    it('uses an invite once and never after its end', async () => {
      await stores.invites.add({ hash: bytes(1), member: alice, expires: 100 });
      await stores.invites.add({ hash: bytes(2), member: alice, expires: 100 });
      assert.equal(await stores.invites.use(bytes(1), 99), alice);
      assert.equal(await stores.invites.use(bytes(1), 99), undefined);
      assert.equal(await stores.invites.use(bytes(2), 100), undefined);
    });

    it('uses a ticket once, keeps the newest of a device, revokes them together', async () => {
      const add = (n: number) => stores.tickets.add({ hash: bytes(n), device: phone, state: bytes(n, n), expires: 100 });
      const use = async (n: number) => plain((await stores.tickets.use(bytes(n), 50))?.state);
      for (let n = 1; n <= LIMITS.ticketsPerDevice + 1; n++) await add(n);
      assert.equal(await use(1), undefined);
      assert.deepEqual(await use(2), [2, 2]);
      assert.equal(await use(2), undefined);
      await stores.tickets.revoke(phone);
      assert.equal(await use(3), undefined);
      await add(4);
      assert.equal(await stores.tickets.use(bytes(4), 100), undefined);
    });
  });

  it('keeps facts', async () => {
    assert.equal(await stores.facts.get('login'), undefined);
    await stores.facts.set('login', 'a');
    await stores.facts.set('login', 'b');
    assert.equal(await stores.facts.get('login'), 'b');
  });
}
