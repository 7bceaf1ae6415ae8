/** Coming in: enrolment, list rules, a second device, resumption. PROTOCOL.md sections 14.1 to 14.4. */
import assert from 'node:assert/strict';
import { equal } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { VollyError } from '../../src/errors.ts';
import { parseLocalpart } from '../../src/ids.ts';
import { decodeBundle } from '../../src/protocol/bundle.ts';
import { PROVIDERS } from '../crypto/providers.ts';
import type { Device } from './people.ts';
import { type App, World } from './world.ts';

const DAY = 86_400_000;

/** Connects, and waits until it is in or out for good. */
async function settleIn(world: World, app: App): Promise<App> {
  app.connection.connect();
  await world.until(() => app.events.includes('caught-up') || app.connection.state.kind === 'closed');
  return app;
}

const outcome = (app: App): string => app.events.at(-1) as string;

describe('gateway: coming in', () => {
  for (const provider of PROVIDERS)
    it(`enrols with an invite, goes, and resumes (${provider.name})`, async () => {
      const world = new World(1, provider);
      const { app, device } = await world.enrolled();
      assert.deepEqual(app.events, ['connecting', 'online', 'caught-up']);
      assert.ok(world.directory.isOnline(device.address));
      app.wires[0]?.sever();
      await world.clock.advance(1_000);
      await world.until(() => app.events.length === 7);
      assert.deepEqual(app.events.slice(3), ['offline not_connected', 'connecting', 'online resumed', 'caught-up']);
      assert.deepEqual(world.warnings, []);
    });

  it('spends an invite once', async () => {
    const world = new World();
    const alice = world.user('alice');
    const token = await world.invite(alice);
    const phone = alice.add('PHONE', world.clock.now());
    assert.equal(outcome(await settleIn(world, world.app(phone, { token }))), 'caught-up');
    const mallory = world.user('mallory').add('PHONE', world.clock.now());
    assert.equal(outcome(await settleIn(world, world.app(mallory, { token }))), 'closed bad_invite');
  });

  it('takes an invite for its own name only, and not after its week', async () => {
    const world = new World();
    const late = await world.invite(world.user('alice'));
    await world.clock.advance(7 * DAY + 1);
    const alice = world.user('alice').add('PHONE', world.clock.now());
    assert.equal(outcome(await settleIn(world, world.app(alice, { token: late }))), 'closed bad_invite');
    const bob = world.user('bob');
    const token = await world.invite(bob);
    assert.equal(outcome(await settleIn(world, world.app(alice, { token }))), 'closed bad_invite');
    // And it is not spent by that.
    const phone = bob.add('PHONE', world.clock.now());
    assert.equal(outcome(await settleIn(world, world.app(phone, { token }))), 'caught-up');
    assert.equal(outcome(await settleIn(world, world.app(alice))), 'closed not_enrolled');
  });

  it('spends an invite only once the member is durable', async () => {
    const world = new World();
    const alice = world.user();
    const token = await world.invite(alice);
    const { members } = world.stores;
    const setList = members.setList.bind(members);
    members.setList = async (...list) => {
      members.setList = setList;
      await setList(...list);
      throw new VollyError('database', 'as if the process had died just now');
    };
    const app = world.app(alice.add('PHONE', world.clock.now()), { token });
    app.connection.connect();
    await world.until(() => app.events.length >= 2);
    assert.ok(await world.stores.invites.live(sha256(token), parseLocalpart('alice'), world.clock.now()));
    await world.clock.advance(5_000);
    await world.until(() => app.events.includes('caught-up'));
  });

  it('does not need the invite again when the answer to it was lost', async () => {
    const world = new World();
    const alice = world.user();
    const token = await world.invite(alice);
    const device = alice.add('PHONE', world.clock.now());
    const app = world.app(device, {
      token,
      onWire: (wire) => {
        // The second message down is Finished.
        if (app.wires.length === 0)
          wire.tamper = (way, message, index) => {
            if (way !== 'down' || index !== 1) return message;
            setImmediate(() => wire.sever());
            return undefined;
          };
      },
    });
    app.connection.connect();
    await world.until(() => app.events.length >= 2);
    await world.clock.advance(1_000);
    await world.until(() => app.events.includes('caught-up'));
    assert.equal(app.wires.length, 2);
  });

  it('keeps a name with the identity key that took it', async () => {
    const world = new World();
    await world.enrolled('alice');
    const impostor = world.user('alice').add('PHONE', world.clock.now());
    const token = await world.invite(impostor.user);
    assert.equal(outcome(await settleIn(world, world.app(impostor, { token }))), 'closed name_taken');
    assert.equal(outcome(await settleIn(world, world.app(impostor))), 'closed not_enrolled');
  });

  it('lets one of two enrolments of a name in', async () => {
    const world = new World();
    const rivals = [world.user('alice'), world.user('alice')];
    const apps: App[] = [];
    for (const user of rivals) apps.push(world.app(user.add('PHONE', world.clock.now()), { token: await world.invite(user) }));
    for (const app of apps) app.connection.connect();
    await world.until(() => apps.every(({ connection }) => ['online', 'closed'].includes(connection.state.kind)));
    assert.deepEqual(apps.map(({ connection }) => connection.state.kind).sort(), ['closed', 'online']);
  });

  it('tells the first device of a list that enrols a second, and an absent one when it is back', async () => {
    const world = new World();
    const { app, user, device } = await world.enrolled();
    app.connection.close();
    const old = user.list;
    const laptop = user.add('LAPTOP', world.clock.now());
    const second = await settleIn(world, world.app(laptop));
    assert.equal(outcome(second), 'caught-up');
    const newest = user.list;
    user.list = old;
    const back = world.app(device);
    await settleIn(world, back);
    assert.deepEqual(back.events.length, 4);
    assert.match(back.events[1] as string, /^list /);
    // Both online: the next list is pushed to the other one.
    user.list = newest;
    await world.clock.advance(1);
    user.renew(world.clock.now());
    await second.connection.publish(laptop.bundle(1, world.clock.now()));
    await world.until(() => back.events.length === 5);
    assert.match(back.events[4] as string, /^list /);
  });

  it('shows a device out that a newer list drops, and does not let it in again', async () => {
    const world = new World();
    const { app, user, device } = await world.enrolled();
    const laptop = user.add('LAPTOP', world.clock.now());
    const second = await settleIn(world, world.app(laptop));
    await world.clock.advance(1);
    user.renew(world.clock.now(), [laptop]);
    await second.connection.publish(laptop.bundle(1, world.clock.now()));
    await world.until(() => app.connection.state.kind === 'closed');
    assert.equal(outcome(app), 'closed not_enrolled');
    assert.equal(world.directory.isOnline(device.address), false);
    const again = world.app(device, app.ticket ? { ticket: app.ticket } : {});
    assert.equal(outcome(await settleIn(world, again)), 'closed not_enrolled');
  });

  it('refuses a second list of one version', async () => {
    const world = new World();
    const { user, app, device } = await world.enrolled();
    app.connection.close();
    const fork = world.app({ ...device, user: { ...user, list: sameVersion(world, device) } } as unknown as Device);
    assert.equal(outcome(await settleIn(world, fork)), 'closed stale_list');
  });

  it('replaces the first connection of a device by the second', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const second = await settleIn(world, world.app(device));
    assert.equal(outcome(app), 'closed replaced');
    assert.equal(second.connection.state.kind, 'online');
    world.deliver(device.address, world.envelope(device.address, device.address));
    await world.until(() => second.received.length === 1);
    assert.equal(app.received.length, 0);
  });

  it('refuses a gateway with another key, and one for another server', async () => {
    const world = new World();
    const { device } = await world.enrolled();
    const wrongKey = world.app(device, { communityKeyHash: world.random(32) });
    assert.equal(outcome(await settleIn(world, wrongKey)), 'closed wrong_community');
    const wrongName = world.app(device, { server: 'violet.example' as never });
    assert.equal(outcome(await settleIn(world, wrongName)), 'closed wrong_community');
    assert.equal(wrongKey.wires[0]?.log.filter(({ way }) => way === 'up').length, 1, 'nothing after the hello');
  });

  it('sets the clock by the gateway', async () => {
    const world = new World();
    const user = world.user();
    const device = user.add('PHONE', world.clock.now());
    const real = world.clock;
    const slow = { now: () => real.now() - 90_000, monotonic: () => real.monotonic(), after: real.after.bind(real) };
    const app = world.app(device, { clock: slow, token: await world.invite(user) });
    assert.equal(app.connection.now(), real.now() - 90_000);
    await settleIn(world, app);
    assert.equal(app.connection.now(), real.now());
  });
});

describe('gateway: tickets', () => {
  it('serves a ticket once; its second use is a full handshake', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const ticket = app.ticket;
    assert.ok(ticket);
    app.connection.close();
    const first = await settleIn(world, world.app(device, { ticket }));
    assert.ok(first.events.includes('online resumed'));
    first.connection.close();
    const second = await settleIn(world, world.app(device, { ticket }));
    assert.ok(second.events.includes('online'));
  });

  it('ends all tickets 24 h after the last full handshake', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    app.connection.close();
    await world.clock.advance(20 * 3_600_000);
    assert.ok(app.ticket);
    const resumed = await settleIn(world, world.app(device, { ticket: app.ticket }));
    assert.ok(resumed.events.includes('online resumed'));
    resumed.connection.close();
    await world.clock.advance(5 * 3_600_000);
    assert.ok(resumed.ticket);
    const later = await settleIn(world, world.app(device, { ticket: resumed.ticket }));
    assert.ok(later.events.includes('online'));
  });

  it('does not resume with a ticket whose psk is another', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    app.connection.close();
    assert.ok(app.ticket);
    const thief = world.app(device, { ticket: { ticket: app.ticket.ticket, psk: world.random(32) } });
    thief.connection.connect();
    await world.until(() => thief.events.length === 2);
    assert.deepEqual(thief.events, ['connecting', 'offline handshake_failed']);
  });

  it('keeps neither tickets nor their keys', async () => {
    const world = new World();
    const rows: { hash: Uint8Array; state: Uint8Array }[] = [];
    const { add } = world.stores.tickets;
    world.stores.tickets.add = (row) => {
      rows.push(row);
      return add(row);
    };
    const { app } = await world.enrolled();
    const { ticket, psk } = app.ticket as NonNullable<typeof app.ticket>;
    assert.ok(equal(rows[0]?.hash as Uint8Array, sha256(ticket)));
    assert.equal(Buffer.from(rows[0]?.state as Uint8Array).includes(Buffer.from(psk)), false);
  });
});

describe('gateway: the shelf', () => {
  it('puts the newest list beside what each device published', async () => {
    const world = new World();
    const { app, user, device } = await world.enrolled();
    assert.equal(app.prekeyHash?.length, 0);
    const bundle = device.bundle(1, world.clock.now());
    await app.connection.publish(bundle);
    assert.deepEqual(await world.shelf.bundles('alice'), [bundle]);
    const laptop = user.add('LAPTOP', world.clock.now());
    const second = await settleIn(world, world.app(laptop, { credentials: credentialsWithBundle(world, laptop) }));
    assert.ok(second.prekeyHash && second.prekeyHash.length === 32);
    const composed = (await world.shelf.bundles('alice')).map(decodeBundle);
    assert.deepEqual(composed.map(({ prekey }) => prekey.device).sort(), ['LAPTOP', 'PHONE']);
    for (const { identity } of composed) assert.deepEqual(identity.signed.bytes, user.list.bytes);
    assert.deepEqual(await world.shelf.bundles('nobody'), []);
  });

  it('shelves no older prekey than it has', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const newer = device.bundle(2, world.clock.now());
    await app.connection.publish(newer);
    await assert.rejects(app.connection.publish(device.bundle(1, world.clock.now())), /replayed/);
    assert.deepEqual(await world.shelf.bundles('alice'), [newer]);
  });

  it('shelves nothing of another device, and nothing unsigned', async () => {
    const world = new World();
    const { app, user, device } = await world.enrolled();
    const laptop = user.add('LAPTOP', world.clock.now());
    const code = (bundle: Uint8Array) =>
      app.connection.publish(bundle).then(
        () => 'ok',
        (error) => error.code,
      );
    assert.equal(await code(laptop.bundle(1, world.clock.now())), 'wrong_sender');
    const forged = device.bundle(1, world.clock.now());
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
    assert.equal(await code(forged), 'bad_signature');
    assert.equal(await code(Uint8Array.of(0x80)), 'bad_encoding');
    const stranger = world.user('bob').add('PHONE', world.clock.now());
    assert.equal(await code(stranger.bundle(1, world.clock.now())), 'wrong_sender');
    assert.deepEqual(await world.shelf.bundles('alice'), []);
  });
});

/** Another list with the version of the device's own, signed by the same UIK. */
function sameVersion(world: World, device: Device) {
  const twin = world.user('alice');
  Object.assign(twin, { uik: device.user.uik, uikSeed: device.user.uikSeed, devices: [] });
  twin.devices.push(device);
  const other = twin.add('TABLET', world.clock.now());
  assert.ok(other);
  return twin.list;
}

function credentialsWithBundle(world: World, device: Device) {
  const base = world.credentials(device);
  return { ...base, bundle: () => device.bundle(1, world.clock.now()) };
}
