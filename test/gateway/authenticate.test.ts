/** What a client's proof has to be. PROTOCOL.md section 14.3; each is refused under the keys of its handshake. */
import assert from 'node:assert/strict';
import type { Credentials } from '../../src/client/connection-types.ts';
import { compositeSign } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { LEGACY_DEVICE } from '../../src/ids.ts';
import { encodeIdentity } from '../../src/protocol/identity.ts';
import { makeLegacyStatement } from '../../src/protocol/legacy.ts';
import type { Device } from './people.ts';
import { User } from './people.ts';
import { World } from './world.ts';

const DAY = 86_400_000;

/** How the gateway ends the first attempt of a device with these credentials. */
async function outcome(world: World, device: Device, change: Partial<Credentials>, token?: Uint8Array): Promise<string> {
  const credentials = { ...world.credentials(device), ...change };
  const app = world.app(device, { credentials, ...(token ? { token } : {}) });
  app.connection.connect();
  await world.until(() => app.events.length >= 2);
  app.connection.close();
  return app.events[1] as string;
}

describe('gateway: a client’s proof', () => {
  it('is signed by the device', async () => {
    const world = new World();
    const { device, user } = await world.enrolled();
    const other = user.add('LAPTOP', world.clock.now());
    const sign = (message: Uint8Array, context: string) => compositeSign(world.provider, other.dikSeed, message, context);
    assert.equal(await outcome(world, device, { sign }), 'offline bad_signature');
    const reused = (message: Uint8Array) => compositeSign(world.provider, device.dikSeed, message, 'volly/1/offer');
    assert.equal(await outcome(world, device, { sign: reused }), 'offline bad_signature');
  });

  it('holds a list that the member has signed, so nobody adds a device to it', async () => {
    const world = new World();
    const { user } = await world.enrolled();
    const mallory = world.user('alice');
    Object.assign(mallory, { uik: user.uik });
    const device = mallory.add('MALLORY', world.clock.now() + 1);
    assert.equal(await outcome(world, device, {}), 'offline bad_signature');
    assert.equal((await world.stores.members.devices('alice' as never)).length, 1);
  });

  it('is of a device in that list, under its one name', async () => {
    const world = new World();
    const { user, device } = await world.enrolled();
    const laptop = user.add('LAPTOP', world.clock.now());
    user.renew(world.clock.now(), [device]);
    assert.equal(await outcome(world, laptop, {}), 'closed not_enrolled');
    const twice = user.renew(world.clock.now(), [device, { ...device, id: 'TWIN' } as never]);
    assert.equal(await outcome(world, device, { identity: () => encodeIdentity(twice, device.dik) }), 'closed not_enrolled');
  });

  it('is of an enhanced member of this server', async () => {
    const world = new World();
    const stranger = new User(world.provider, world.random, 'alice@violet.example');
    const token = await world.invite(stranger);
    assert.equal(await outcome(world, stranger.add('PHONE', world.clock.now()), {}, token), 'closed not_enrolled');
    const device = world.user().add('PHONE', world.clock.now());
    const { member } = device.user;
    const vouched = { member, dikHash: sha256(device.dik), version: 1, expires: world.clock.now() + DAY };
    const statement = makeLegacyStatement(world.provider, world.community.seed, vouched);
    const identity = () => encodeIdentity(statement, device.dik, world.community.publicKey as Uint8Array<ArrayBuffer>);
    assert.equal(await outcome(world, { ...device, id: LEGACY_DEVICE } as never, { identity }, token), 'closed not_enrolled');
  });

  it('is of nobody whose name a legacy member has, and spends no invite on it', async () => {
    const world = new World();
    await world.stores.members.add('alice' as never, 'legacy');
    const user = world.user('alice');
    const token = await world.invite(user);
    assert.equal(await outcome(world, user.add('PHONE', world.clock.now()), {}, token), 'closed name_taken');
    assert.equal(await world.stores.members.list('alice' as never), undefined);
    assert.equal(await world.stores.invites.use(sha256(token), 'alice' as never, world.clock.now()), true);
  });

  it('may hold a list past its life, which only a device that is connected can renew', async () => {
    const world = new World();
    const { device, app } = await world.enrolled();
    app.connection.close();
    await world.clock.advance(31 * DAY);
    assert.equal(await outcome(world, device, {}), 'online');
  });

  it('locks nobody out for a bundle that does not pass, and shelves nothing of it', async () => {
    const world = new World();
    const { device, app } = await world.enrolled();
    app.connection.close();
    assert.equal(await outcome(world, device, { bundle: () => Uint8Array.of(0x80) }), 'online');
    assert.deepEqual(await world.shelf.bundles('alice'), []);
  });

  it('is nothing but bytes to whoever makes it of nonsense', async () => {
    const world = new World();
    const { device } = await world.enrolled();
    for (const identity of [Uint8Array.of(0x80), Uint8Array.of(0xff), new Uint8Array(5_000)])
      assert.match(await outcome(world, device, { identity: () => identity }), /^offline (bad_encoding|handshake_failed)$/);
    assert.deepEqual(world.warnings, []);
  });
});
