/** What the stores keep of what the operator says: suspended members, barred devices, removed members, blocked peers. */
import assert from 'node:assert/strict';
import { type Localpart, memberId, parseDeviceAddress, parseDeviceId, parseLocalpart } from '../../src/ids.ts';
import type { Stores } from '../../src/storage/types.ts';
import { fern, idOf, inboxRow, orchid, outboxRow } from './rows.ts';

const [alice, al, bob] = (['alice', 'al', 'bob'] as const).map(parseLocalpart) as [Localpart, Localpart, Localpart];
const PHONE = parseDeviceId('PHONE');
const TABLET = parseDeviceId('TABLET');
const phone = parseDeviceAddress('alice@orchid.example/PHONE');
const ALICE = memberId(alice, orchid);
const bytes = (...values: number[]) => Uint8Array.from(values);
const DAY = 86_400_000;
const none = () => false;

export function rollContract(stores: () => Stores): void {
  const listOf = (member: Localpart, version: number, keys: Partial<Record<string, number>> = { PHONE: 1, TABLET: 2 }) => ({
    version,
    hash: bytes(version),
    bytes: bytes(version),
    devices: Object.entries(keys).map(([device, key]) => ({ member, device: parseDeviceId(device), key: bytes(key!) })),
  });
  const enrol = async (member: Localpart): Promise<void> => {
    await stores().members.add(member, 'enhanced');
    await stores().members.setList(member, listOf(member, 1));
    for (const device of [PHONE, TABLET]) await stores().members.publish(member, device, bytes(7));
  };
  const devicesOf = async (member: Localpart) => (await stores().members.devices(member)).map(({ device }) => device);

  describe('roll', () => {
    it('has pages of members in the order of their names', async () => {
      for (const member of [bob, alice, al]) await stores().members.add(member, member === bob ? 'legacy' : 'enhanced');
      const [first, second] = await stores().roll.page('', 2);
      assert.deepEqual([first?.member, second?.member], [al, alice]);
      const [third, more] = await stores().roll.page(alice, 2);
      assert.deepEqual([third?.member, third?.kind, more], [bob, 'legacy', undefined]);
      assert.ok(Math.abs(Date.now() - third!.createdAt!) < 60_000);
      assert.equal(third!.suspendedAt, undefined);
    });

    it('suspends a member and takes it back', async () => {
      await enrol(alice);
      await stores().roll.suspend(alice, 5);
      assert.equal((await stores().roll.find(alice))?.suspendedAt, 5);
      assert.equal(await stores().members.active(alice), undefined);
      assert.equal(await stores().members.kind(alice), 'enhanced');
      assert.equal(await stores().members.admits(alice, PHONE, bytes(1)), 'suspended');
      await stores().roll.suspend(alice, undefined);
      assert.equal(await stores().members.active(alice), 'enhanced');
      assert.equal(await stores().members.admits(alice, PHONE, bytes(1)), 'yes');
      assert.equal(await stores().members.admits(bob, PHONE, bytes(1)), 'unknown');
      await assert.rejects(stores().roll.suspend(bob, 5), { code: 'unknown_member' });
    });

    it('bars a device with its bundle, tickets and mail, for as long as the list has this key for it', async () => {
      await enrol(alice);
      await stores().tickets.add({ hash: bytes(1), device: phone, state: bytes(1), expires: 100 });
      await stores().inbox.accept({ origin: fern, id: idOf(1), forgetAt: 9 }, inboxRow(1, { origin: fern, to: phone }));
      assert.equal(await stores().roll.bar(ALICE, parseDeviceId('WATCH'), 5), false);
      assert.equal(await stores().roll.bar(ALICE, PHONE, 5), true);
      assert.deepEqual(await devicesOf(alice), [TABLET]);
      assert.deepEqual((await stores().roll.find(alice))?.devices, [
        { device: PHONE, published: false, barredAt: 5 },
        { device: TABLET, published: true },
      ]);
      assert.deepEqual(
        (await stores().members.bundles(alice)).map(({ device }) => device),
        [TABLET],
      );
      assert.equal(await stores().tickets.use(bytes(1), 50), undefined);
      assert.deepEqual(await stores().inbox.waiting(phone), []);
      assert.equal(await stores().members.admits(alice, PHONE, bytes(1)), 'barred');
      assert.equal(await stores().members.admits(alice, TABLET, bytes(2)), 'yes');

      await stores().members.setList(alice, listOf(alice, 2));
      assert.equal(await stores().members.admits(alice, PHONE, bytes(1)), 'barred', 'the same key in a newer list');
      await stores().members.setList(alice, listOf(alice, 3, { PHONE: 8, TABLET: 2 }));
      assert.equal(await stores().members.admits(alice, PHONE, bytes(8)), 'yes', 'another key');
      assert.equal(await stores().roll.bar(ALICE, PHONE, 6), true);
      assert.equal(await stores().roll.bar(ALICE, PHONE, undefined), true);
      assert.equal(await stores().roll.bar(ALICE, PHONE, undefined), false);
      assert.deepEqual(await devicesOf(alice), [PHONE, TABLET]);
      await assert.rejects(stores().roll.bar(memberId(bob, orchid), PHONE, 5), { code: 'unknown_member' });
    });

    it('remembers the day on which a device was last seen, and no more', async () => {
      await enrol(alice);
      await stores().roll.seen(alice, PHONE, 3 * DAY + 12_345);
      await stores().roll.seen(bob, PHONE, 3 * DAY);
      assert.deepEqual((await stores().roll.find(alice))?.devices[0], { device: PHONE, published: true, seenOn: 3 * DAY });
      assert.equal(await stores().roll.find(bob), undefined);
    });

    it('removes a member with all that is of it, leaves all others alone, and holds the name back', async () => {
      const { inbox, outbox, tickets, invites, facts, quarantine, members, roll } = stores();
      await Promise.all([enrol(alice), enrol(al), enrol(bob)]);
      const [bobs, als] = ['bob@orchid.example/PHONE', 'al@orchid.example/PHONE'].map(parseDeviceAddress);
      for (const [n, device] of [phone, bobs!, als!].entries()) {
        await tickets.add({ hash: bytes(n), device, state: bytes(1), expires: 100 });
        await inbox.accept(
          { origin: fern, id: idOf(n), forgetAt: 9 },
          inboxRow(n, { origin: fern, from: 'x@fern.example/A', to: device }),
        );
        await outbox.put(outboxRow(n, { from: device }));
        await outbox.put(outboxRow(n + 10, { from: device, type: 'app.volly.call.hangup' }));
      }
      await inbox.accept({ origin: orchid, id: idOf(5), forgetAt: 9 }, inboxRow(5, { from: phone, to: bobs! }));
      await outbox.put(outboxRow(6, { from: ALICE, type: 'app.volly.keys.bundle' }));
      await outbox.acknowledge(fern, [idOf(10)]);
      for (const member of [alice, bob]) await invites.add({ hash: bytes(member.length), member, expires: 100 });
      for (const name of ['ghost alice', 'ghost al']) await facts.set(name, 'made');
      const refused = (content: string) => quarantine.add({ at: 1, source: fern, code: 'wrong_type', content });
      for (const to of [phone, ALICE, als, 'malice@orchid.example/PHONE']) await refused(JSON.stringify({ to }));
      await roll.seen(alice, PHONE, DAY);
      await roll.bar(ALICE, TABLET, 5);

      await roll.remove(ALICE, 7, (name) => name === 'ghost alice');
      assert.equal(await members.kind(alice), undefined);
      assert.equal(await members.list(alice), undefined);
      assert.deepEqual([await members.devices(alice), await members.bundles(alice)], [[], []]);
      assert.equal(await roll.find(alice), undefined);
      assert.deepEqual((await outbox.all()).map(({ from }) => from).sort(), [als, als, bobs, bobs].map(String));
      assert.equal(await outbox.find(idOf(10)), undefined, 'addresses of what was acknowledged');
      assert.deepEqual(await inbox.waiting(phone), []);
      assert.equal((await inbox.waiting(bobs!)).length, 1);
      assert.deepEqual(
        (await invites.all(0)).map(({ member }) => member),
        [bob],
      );
      assert.deepEqual([await facts.get('ghost alice'), await facts.get('ghost al')], [undefined, 'made']);
      assert.equal(await quarantine.count(), 2);
      assert.equal(await tickets.use(bytes(0), 50), undefined);
      assert.ok(await tickets.use(bytes(2), 50));
      assert.deepEqual(await devicesOf(al), [PHONE, TABLET]);

      assert.deepEqual([await roll.isHeld(alice), await roll.isHeld(al)], [true, false]);
      assert.equal(await members.add(alice, 'enhanced'), false);
      assert.deepEqual(await roll.leaving(), [alice]);
      await roll.left(alice);
      assert.deepEqual(await roll.leaving(), []);
      await assert.rejects(roll.remove(ALICE, 8, none), { code: 'unknown_member' });
    });
  });

  describe('what the operator looks through', () => {
    it('has the live invites, and revokes one', async () => {
      const { invites } = stores();
      await invites.add({ hash: bytes(1), member: bob, expires: 300 });
      await invites.add({ hash: bytes(2), member: alice, expires: 200 });
      await invites.add({ hash: bytes(3), member: al, expires: 100 });
      assert.deepEqual(
        (await invites.all(100)).map(({ member, expires }) => [member, expires]),
        [
          [alice, 200],
          [bob, 300],
        ],
      );
      assert.equal(await invites.revoke(bytes(1)), true);
      assert.equal(await invites.revoke(bytes(1)), false);
      assert.equal(await invites.live(bytes(1), bob, 0), false);
    });

    it('has refused content, newest first, and drops one or all of a code', async () => {
      const { quarantine } = stores();
      for (let at = 1; at <= 5; at++)
        await quarantine.add({ at, source: fern, code: at % 2 ? 'wrong_type' : 'bad_encoding', content: `${at}` });
      const ats = async (...query: Parameters<typeof quarantine.page>) => (await quarantine.page(...query)).map(({ at }) => at);
      assert.deepEqual(await ats(Number.MAX_SAFE_INTEGER, 3), [5, 4, 3]);
      const [, , third] = await quarantine.page(Number.MAX_SAFE_INTEGER, 3);
      assert.deepEqual(await ats(third!.seq, 3), [2, 1]);
      assert.deepEqual(await ats(Number.MAX_SAFE_INTEGER, 9, 'bad_encoding'), [4, 2]);
      assert.deepEqual(await quarantine.get(third!.seq), { at: 3, source: fern, code: 'wrong_type', content: '3' });
      assert.equal(await quarantine.remove({ seq: third!.seq }), 1);
      assert.equal(await quarantine.remove({ seq: third!.seq }), 0);
      assert.equal(await quarantine.get(third!.seq), undefined);
      assert.equal(await quarantine.remove({ code: 'wrong_type' }), 2);
      assert.equal(await quarantine.count(), 2);
    });

    it('blocks a peer once, and takes it back', async () => {
      const { peers } = stores();
      assert.equal(await peers.block(orchid, 5), true);
      assert.equal(await peers.block(orchid, 6), false);
      assert.equal(await peers.block(fern, 7), true);
      assert.deepEqual(await peers.blocked(), [
        { server: fern, at: 7 },
        { server: orchid, at: 5 },
      ]);
      assert.equal(await peers.block(orchid, undefined), true);
      assert.equal(await peers.block(orchid, undefined), false);
    });
  });
}
