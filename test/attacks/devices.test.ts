/** A stolen device, once its member has removed it: it must not come back in, by keys or by ticket. */
import assert from 'node:assert/strict';
import { type ConnectOptions, VollyClient } from '../../src/client/client.ts';
import { MemoryStore, type Store } from '../../src/client/store.ts';
import { VollyError } from '../../src/errors.ts';
import { makeInvite } from '../../src/gateway/invite.ts';
import { parseLocalpart } from '../../src/ids.ts';
import { World } from '../gateway/world.ts';
import { settle } from '../support/clock.ts';

const coded = (code: string) => (error: unknown) => error instanceof VollyError && error.code === code;

describe('attacks with a removed device', () => {
  let world: World;
  let store: Store;
  let stolen: MemoryStore;
  let phone: VollyClient;
  let laptop: VollyClient;

  async function connect(options: Partial<ConnectOptions> & { store: Store }): Promise<VollyClient> {
    const { clock, random, provider } = world;
    let client: VollyClient | undefined;
    let failure: unknown;
    const socket = () => world.wire().client;
    VollyClient.connect({ clock, random, provider, socket, ...options }).then(
      (one) => {
        client = one;
      },
      (error) => {
        failure = error;
      },
    );
    await world.until(() => client !== undefined || failure !== undefined);
    if (!client) throw failure;
    return client;
  }

  const copy = async (from: Store): Promise<MemoryStore> => {
    const to = new MemoryStore();
    for (const name of ['account', 'keys', 'ticket', 'contacts', 'presence', 'replaycalls', 'replaypresence']) {
      const value = await from.get(name);
      if (value) await to.set(name, value);
    }
    return to;
  };

  const isListed = async (device: string): Promise<boolean> => {
    const bundles = await world.shelf.bundles('alice');
    return bundles.some((bundle) => Buffer.from(bundle).includes(Buffer.from(device)));
  };

  beforeEach(async () => {
    world = new World();
    const { stores, random, clock, community } = world;
    const options = { invites: stores.invites, random, clock, publicUrl: 'https://chat.orchid.example', community };
    const { link } = await makeInvite({ ...options, localpart: parseLocalpart('alice') });
    [store, stolen] = [new MemoryStore(), new MemoryStore()];
    phone = await connect({ store, invite: link, device: 'PHONE' });
    const request = await VollyClient.requestDevice({ store: stolen, random, member: phone.member, device: 'LAPTOP' });
    laptop = await connect({ store: stolen, approval: await phone.approveDevice(request) });
    await settle();
    assert.ok(await isListed('LAPTOP'));
  });

  afterEach(async () => {
    for (const client of [phone, laptop]) if (client.connection.kind !== 'closed') await client.close();
  });

  it('it is shown out at once, refused with its keys and with its ticket, and on the shelf no longer', async () => {
    const thief = await copy(stolen);
    assert.ok(await thief.get('ticket'));
    await phone.removeDevice('LAPTOP');
    await world.until(() => laptop.connection.kind === 'closed');
    const state = laptop.connection;
    assert.equal(state.kind === 'closed' && state.cause?.code, 'not_enrolled');
    assert.equal(await isListed('LAPTOP'), false);
    for (const withTicket of [true, false]) {
      const again = await copy(thief);
      if (!withTicket) await again.delete('ticket');
      const back = await connect({ store: again }).catch((error) => error);
      if (back instanceof VollyClient) {
        await world.until(() => back.connection.kind === 'closed');
        assert.equal(back.connection.kind === 'closed' && back.connection.cause?.code, 'not_enrolled');
      } else assert.ok(coded('not_enrolled')(back));
    }
  });

  it('a removal that the app did not live to publish is published by its next run, resumed or not', async () => {
    await phone.close();
    const offline = await connect({
      store,
      socket: () => {
        throw new TypeError('no network');
      },
    });
    const removed = assert.rejects(offline.removeDevice('LAPTOP'), coded('not_connected'));
    await world.until(() => offline.devices.length === 1);
    await settle();
    await offline.close();
    await removed;
    assert.ok(await isListed('LAPTOP'));

    const resumed = world.counts.get('gateway_handshakes resumed') ?? 0;
    phone = await connect({ store });
    assert.equal(world.counts.get('gateway_handshakes resumed'), resumed + 1);
    await world.until(() => laptop.connection.kind === 'closed');
    assert.equal(await isListed('LAPTOP'), false);
  });
});
