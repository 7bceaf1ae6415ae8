/** Members whom the operator suspended or removed, and devices that are barred: none comes in, by keys, by ticket, or in the middle of a handshake. */
import assert from 'node:assert/strict';
import { type ConnectOptions, VollyClient } from '../../src/client/client.ts';
import { MemoryStore, type Store } from '../../src/client/store.ts';
import { type ErrorCode, VollyError } from '../../src/errors.ts';
import { makeInvite } from '../../src/gateway/invite.ts';
import { deviceAddress, type MemberId, parseDeviceId, parseLocalpart } from '../../src/ids.ts';
import { World } from '../gateway/world.ts';
import { settle } from '../support/clock.ts';

const ALICE = parseLocalpart('alice');
const LAPTOP = parseDeviceId('LAPTOP');
const never = () => false;

describe('attacks by whom the operator keeps out', () => {
  let world: World;
  let stores: { readonly phone: MemoryStore; readonly laptop: MemoryStore };
  let phone: VollyClient;
  let laptop: VollyClient;
  let member: MemberId;

  async function connect(options: Partial<ConnectOptions> & { store: Store }): Promise<VollyClient | VollyError> {
    const { clock, random, provider } = world;
    let outcome: VollyClient | VollyError | undefined;
    const socket = () => world.wire().client;
    VollyClient.connect({ clock, random, provider, socket, ...options }).then(
      (client) => {
        outcome = client;
      },
      (error) => {
        outcome = error;
      },
    );
    await world.until(() => outcome !== undefined);
    return outcome!;
  }

  async function admitted(options: Partial<ConnectOptions> & { store: Store }): Promise<VollyClient> {
    const outcome = await connect(options);
    if (outcome instanceof VollyClient) return outcome;
    throw outcome;
  }

  /** What this device has on its disk, used once more. */
  async function comesBack(store: MemoryStore, withTicket: boolean): Promise<string> {
    const again = new MemoryStore();
    for (const name of ['account', 'keys', 'ticket', 'contacts', 'presence', 'replaycalls', 'replaypresence']) {
      const value = await store.get(name);
      if (value && (withTicket || name !== 'ticket')) await again.set(name, value);
    }
    const outcome = await connect({ store: again });
    if (!(outcome instanceof VollyClient)) return outcome.code;
    await settle();
    const { connection } = outcome;
    const said = connection.kind === 'closed' ? connection.cause?.code : connection.kind;
    if (connection.kind !== 'closed') await outcome.close();
    return said!;
  }

  async function isShownOut(client: VollyClient, code: ErrorCode): Promise<void> {
    await world.until(() => client.connection.kind === 'closed');
    assert.equal(client.connection.kind === 'closed' && client.connection.cause?.code, code);
  }

  beforeEach(async () => {
    world = new World();
    const { random, clock, community } = world;
    const options = { invites: world.stores.invites, random, clock, publicUrl: 'https://chat.orchid.example', community };
    const { link } = await makeInvite({ ...options, localpart: ALICE });
    stores = { phone: new MemoryStore(), laptop: new MemoryStore() };
    phone = await admitted({ store: stores.phone, invite: link, device: 'PHONE' });
    member = phone.member;
    const request = await VollyClient.requestDevice({ store: stores.laptop, random, member, device: 'LAPTOP' });
    laptop = await admitted({ store: stores.laptop, approval: await phone.approveDevice(request) });
    await settle();
  });

  afterEach(async () => {
    for (const client of [phone, laptop]) if (client.connection.kind !== 'closed') await client.close();
  });

  const shelved = async (): Promise<number> => (await world.shelf.bundles('alice')).length;

  it('a suspended member is shown out at once, with all devices, and comes in neither by ticket nor by keys until it is taken back', async () => {
    assert.equal(await shelved(), 2);
    await world.stores.roll.suspend(ALICE, world.clock.now());
    world.directory.endMember(member, 'suspended');
    await isShownOut(phone, 'suspended');
    await isShownOut(laptop, 'suspended');
    assert.equal(await shelved(), 0, 'nobody can seal for it');
    for (const store of [stores.phone, stores.laptop])
      for (const withTicket of [true, false]) assert.equal(await comesBack(store, withTicket), 'suspended');
    await world.stores.roll.suspend(ALICE, undefined);
    assert.equal(await comesBack(stores.phone, false), 'online');
    assert.equal(await shelved(), 2);
  });

  it('its newer device list is not taken either', async () => {
    const before = await world.stores.members.list(ALICE);
    await world.stores.roll.suspend(ALICE, world.clock.now());
    world.directory.endMember(member, 'suspended');
    await isShownOut(phone, 'suspended');
    const away = await connect({
      store: stores.phone,
      socket: () => {
        throw new TypeError('no network');
      },
    });
    assert.ok(away instanceof VollyClient);
    const removing = away.removeDevice('LAPTOP').catch(() => {});
    await world.until(() => away.devices.length === 1);
    await settle();
    await away.close();
    await removing;
    assert.equal(await comesBack(stores.phone, true), 'suspended');
    assert.deepEqual(await world.stores.members.list(ALICE), before);
  });

  it('a barred device is shown out alone, and comes in neither by ticket nor by keys until it is let in', async () => {
    await world.stores.roll.bar(member, LAPTOP, world.clock.now());
    world.directory.end(deviceAddress(member, LAPTOP), 'not_enrolled');
    await isShownOut(laptop, 'not_enrolled');
    assert.equal(phone.connection.kind, 'online');
    assert.equal(await shelved(), 1);
    for (const withTicket of [true, false]) assert.equal(await comesBack(stores.laptop, withTicket), 'not_enrolled');
    await world.stores.roll.bar(member, LAPTOP, undefined);
    laptop = await admitted({ store: stores.laptop });
    await settle();
    assert.equal(await shelved(), 2, 'it published anew');
  });

  it('a removed member leaves nothing behind, and nobody enrols under the name with an invite made before', async () => {
    const { random, clock, community } = world;
    const options = { invites: world.stores.invites, random, clock, publicUrl: 'https://chat.orchid.example', community };
    const { link } = await makeInvite({ ...options, localpart: ALICE });
    await world.stores.roll.suspend(ALICE, clock.now());
    world.directory.endMember(member, 'not_enrolled');
    await isShownOut(phone, 'not_enrolled');
    await world.stores.roll.remove(member, clock.now(), never);
    assert.equal(await comesBack(stores.phone, true), 'bad_invite', 'it has the invite by which it once came');
    const outcome = await connect({ store: new MemoryStore(), invite: link, device: 'PHONE' });
    assert.equal(outcome instanceof VollyError && outcome.code, 'bad_invite');
    // Even were an invite still there, the name is nobody's any more.
    const late = await makeInvite({ ...options, localpart: ALICE });
    const second = await connect({ store: new MemoryStore(), invite: late.link, device: 'PHONE' });
    assert.equal(second instanceof VollyError && second.code, 'name_taken');
  });

  for (const [what, act] of [
    ['suspends the member', () => world.stores.roll.suspend(ALICE, world.clock.now())],
    ['bars the device', () => world.stores.roll.bar(member, LAPTOP, world.clock.now())],
    ['removes the member', () => world.stores.roll.remove(member, world.clock.now(), never)],
  ] as const)
    it(`a handshake in whose middle the operator ${what} lets nobody in, and leaves no ticket`, async () => {
      await laptop.close();
      const { tickets } = world.stores;
      const add = tickets.add.bind(tickets);
      const kept: Uint8Array[] = [];
      // The last step of a handshake: all that was looked at before is settled.
      Object.assign(tickets, {
        add: async (ticket: Parameters<typeof add>[0]) => {
          await add(ticket);
          kept.push(ticket.hash);
          await act();
        },
      });
      assert.notEqual(await comesBack(stores.laptop, false), 'online');
      assert.equal(world.directory.isOnline(deviceAddress(member, LAPTOP)), false);
      assert.ok(kept.length > 0);
      for (const hash of kept) assert.equal(await tickets.use(hash, world.clock.now()), undefined);
    });
});
