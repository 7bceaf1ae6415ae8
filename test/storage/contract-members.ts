/** What the stores of members, access, facts and quarantine keep. */
import assert from 'node:assert/strict';
import { parseDeviceId, parseLocalpart } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Stores } from '../../src/storage/types.ts';
import { phone } from './rows.ts';

const alice = parseLocalpart('alice');
const bob = parseLocalpart('bob');
const PHONE = parseDeviceId('PHONE');
const TABLET = parseDeviceId('TABLET');
const bytes = (...values: number[]) => Uint8Array.from(values);
const plain = (value: Uint8Array | undefined) => value && [...value];

export function membersContract(stores: () => Stores): void {
  describe('quarantine', () => {
    it('is bounded in rows and in bytes', async () => {
      const add = (content: string) => stores().quarantine.add({ at: 1, source: 'sync', code: 'bad_encoding', content });
      await Promise.all(Array.from({ length: LIMITS.quarantineRows + 5 }, () => add('x')));
      assert.equal(await stores().quarantine.count(), LIMITS.quarantineRows);
      await Promise.all(Array.from({ length: 300 }, () => add('x'.repeat(100_000))));
      assert.equal(await stores().quarantine.count(), Math.floor(LIMITS.quarantineBytes / LIMITS.envelopeBytes));
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
      assert.equal(await stores().members.kind(alice), undefined);
      assert.equal(await stores().members.add(alice, 'enhanced'), true);
      assert.equal(await stores().members.add(alice, 'legacy'), false);
      assert.equal(await stores().members.kind(alice), 'enhanced');
      assert.deepEqual(await stores().members.members(), [alice]);
    });

    it('replaces the list with its devices, and drops bundles of devices that left', async () => {
      await stores().members.add(alice, 'enhanced');
      await stores().members.setList(alice, list(1));
      await stores().members.publish(alice, PHONE, bytes(1));
      await stores().members.publish(alice, TABLET, bytes(2));
      await stores().members.publish(alice, PHONE, bytes(3));
      await stores().members.setList(alice, list(2, [PHONE]));
      assert.deepEqual(
        (await stores().members.devices(alice)).map((row) => row.device),
        [PHONE],
      );
      const bundles = await stores().members.bundles(alice);
      assert.deepEqual(
        bundles.map((row) => [row.device, plain(row.bundle)]),
        [[PHONE, [3]]],
      );
      const stored = await stores().members.list(alice);
      assert.deepEqual([stored?.version, plain(stored?.hash), plain(stored?.bytes)], [2, [2], [1, 2]]);
    });

    it('refuses an older list, another of the same version, and unknown members', async () => {
      await assert.rejects(stores().members.setList(alice, list(1)), { code: 'unknown_member' });
      await assert.rejects(stores().members.publish(alice, PHONE, bytes(1)), { code: 'unknown_member' });
      await stores().members.add(alice, 'enhanced');
      await stores().members.setList(alice, list(5));
      await stores().members.setList(alice, list(5));
      await assert.rejects(stores().members.setList(alice, list(4)), { code: 'stale_list' });
      await assert.rejects(stores().members.setList(alice, { ...list(5), hash: bytes(0) }), { code: 'stale_list' });
      assert.equal((await stores().members.list(alice))?.version, 5);
      assert.equal(await stores().members.list(parseLocalpart('nobody')), undefined);
    });
  });

  describe('invites and tickets', () => {
    it('uses an invite once and never after its end', async () => {
      await stores().invites.add({ hash: bytes(1), member: alice, expires: 100 });
      await stores().invites.add({ hash: bytes(2), member: alice, expires: 100 });
      assert.equal(await stores().invites.use(bytes(1), bob, 99), false);
      assert.equal(await stores().invites.live(bytes(1), bob, 99), false);
      assert.equal(await stores().invites.live(bytes(1), alice, 99), true);
      assert.equal(await stores().invites.use(bytes(1), alice, 99), true);
      assert.equal(await stores().invites.use(bytes(1), alice, 99), false);
      assert.equal(await stores().invites.live(bytes(1), alice, 99), false);
      assert.equal(await stores().invites.live(bytes(2), alice, 100), false);
      assert.equal(await stores().invites.use(bytes(2), alice, 100), false);
    });

    it('uses a ticket once, keeps the newest of a device, revokes them together', async () => {
      const add = (n: number) => stores().tickets.add({ hash: bytes(n), device: phone, state: bytes(n, n), expires: 100 });
      const use = async (n: number) => plain((await stores().tickets.use(bytes(n), 50))?.state);
      for (let n = 1; n <= LIMITS.ticketsPerDevice + 1; n++) await add(n);
      assert.equal(await use(1), undefined);
      assert.deepEqual(await use(2), [2, 2]);
      assert.equal(await use(2), undefined);
      await stores().tickets.revoke(phone);
      assert.equal(await use(3), undefined);
      await add(4);
      assert.equal(await stores().tickets.use(bytes(4), 100), undefined);
      await add(5);
      await stores().tickets.revokeAll();
      assert.equal(await use(5), undefined);
    });
  });

  it('keeps facts', async () => {
    assert.equal(await stores().facts.get('login'), undefined);
    await stores().facts.set('login', 'a');
    await stores().facts.set('login', 'b');
    assert.equal(await stores().facts.get('login'), 'b');
  });
}
