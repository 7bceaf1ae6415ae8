/** Presence as a way to make a device work: its disk, its signatures, its network. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import type { ConnectionOptions, GatewayConnection } from '../../src/client/connection-types.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId } from '../../src/ids.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { encodeHeader } from '../../src/protocol/header.ts';
import { SUITE } from '../../src/protocol/suite.ts';
import { ALICE, BOB, CAROL, Watcher, World } from '../client/world.ts';
import { seededRandom } from '../support/clock.ts';

const random = seededRandom(8);

class CountingStore extends MemoryStore {
  writes = 0;
  override async set(name: string, value: Uint8Array): Promise<void> {
    this.writes++;
    await super.set(name, value);
  }
}

describe('attacks by way of presence', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let store: CountingStore;
  let bobStore: MemoryStore;

  beforeEach(async () => {
    world = new World();
    store = new CountingStore();
    alice = await world.client({ member: ALICE, store });
    bobStore = new MemoryStore();
    bob = await world.client({ member: BOB, store: bobStore });
    await world.settle();
    const asked = bob.once('presence-request');
    await alice.presence.watch(BOB);
    await (await asked)[0].accept();
    await world.settle();
  });

  afterEach(() => world.close());

  const update = (from: string, grant: Uint8Array): EnvelopeOf<'app.volly.presence'> => {
    const now = world.clock.now();
    const header = encodeCbor([SUITE, 'app.volly.presence', grant, random(16), now, 0, now, 60_000]);
    const addresses = { from: `${from}/PHONE` as never, to: alice.address, expires: now + 60_000 };
    return { id: newEnvelopeId(random), type: 'app.volly.presence', ...addresses, header, sealed: random(80) };
  };

  it('updates under grants that nobody gave write nothing to the disk, whoever sends them', async () => {
    const before = store.writes;
    const grant = random(16);
    for (let i = 0; i < 50; i++) for (const from of [CAROL, BOB]) world.bridge.inject(update(from, i % 2 ? grant : random(16)));
    await world.settle();
    assert.equal(store.writes, before);
    const watcher = new Watcher(alice);
    await bob.presence.set('busy');
    await world.settle();
    assert.deepEqual(watcher.presence, [`${BOB} busy`]);
  });

  it('strangers’ updates take no room from those that overtook the grant of a watched member', async () => {
    const refused = new Watcher(alice).refused;
    world.bridge.inject(update(CAROL, random(16)));
    await world.settle();
    assert.deepEqual(refused, ['unknown_call presence']);
  });

  it('junk in the name of a watched member makes a device ask again once a minute at most', async () => {
    const sent = () =>
      world.bridge.sent.filter(({ type, from }) => type === 'app.volly.keys.query' && from === alice.address).length;
    const before = sent();
    const junk = (): EnvelopeOf<'app.volly.presence.grant'> => {
      const now = world.clock.now();
      const type = 'app.volly.presence.grant';
      const [member, device] = bob.address.split('/') as [never, never];
      const [own, phone] = alice.address.split('/') as [never, never];
      const party = { uikHash: random(32), listVersion: 1, dikHash: random(32) } as const;
      const { bytes } = encodeHeader({
        ...{ type, direction: 0, callId: Buffer.from(random(16)).toString('base64url') as never, epoch: 0, seq: 1 },
        ...{ from: { member, device, ...party }, to: { member: own, device: phone, ...party, prekeyHash: random(32) } },
        ...{ sentTs: now, lifetime: 60_000 },
      });
      const sealed = { header: bytes, quantum_key: random(1_120), sealed: random(272), signature: random(3_373) };
      return { id: newEnvelopeId(random), type, from: bob.address, to: alice.address, expires: now + 60_000, ...sealed };
    };
    for (let i = 0; i < 20; i++) world.bridge.inject(junk());
    await world.settle();
    assert.equal(sent(), before + 1);
    await world.advance(60_001);
    world.bridge.inject(junk());
    await world.settle();
    assert.equal(sent(), before + 2);
  });

  it('a local clock that is set ahead while the app starts does not silence the runs after it', async () => {
    await bob.close();
    await world.advance(1);
    let connect = () => {};
    const ahead = await world.client({
      store: bobStore,
      gateway: (options: ConnectionOptions): GatewayConnection => {
        const connection = world.bridge.gateway(options);
        const [begin, now] = [connection.connect.bind(connection), connection.now.bind(connection)];
        connection.connect = () => options.onState?.({ kind: 'offline', cause: new VollyError('not_connected') });
        connection.now = () => now() + 86_400_000;
        connect = () => {
          connection.now = now;
          begin();
        };
        return connection;
      },
    });
    const watcher = new Watcher(alice);
    await ahead.presence.set('busy');
    await world.settle();
    connect();
    await world.settle();
    assert.deepEqual(watcher.presence, [`${BOB} busy`]);
    await ahead.close();
    await world.advance(1);
    const after = await world.client({ store: bobStore });
    await after.presence.set('away');
    await world.settle();
    assert.deepEqual(watcher.presence, [`${BOB} busy`, `${BOB} offline`, `${BOB} away`]);
    assert.deepEqual(watcher.refused, []);
  });
});
