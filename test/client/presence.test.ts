/** Seeing each other's presence: asked once, granted to all devices, gone without a word. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, CAROL, Watcher, World } from './world.ts';

describe('client presence', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let aliceStore: MemoryStore;
  let atAlice: Watcher;
  let atBob: Watcher;

  beforeEach(async () => {
    world = new World();
    aliceStore = new MemoryStore();
    alice = await world.client({ member: ALICE, store: aliceStore });
    bob = await world.client({ member: BOB });
    atAlice = new Watcher(alice);
    atBob = new Watcher(bob);
    await world.settle();
  });

  afterEach(async () => {
    assert.deepEqual([...atAlice.faults, ...atBob.faults], []);
    await world.close();
  });

  async function befriend(watcher: VollyClient, watched: VollyClient): Promise<void> {
    const asked = watched.once('presence-request');
    await watcher.presence.watch(watched.member);
    await (await asked)[0].accept();
    await world.settle();
  }

  it('a member asks, the other consents, and each state arrives', async () => {
    await bob.presence.set('online');
    await befriend(alice, bob);
    for (const state of ['away', 'busy', 'online', 'offline'] as const) {
      await bob.presence.set(state);
      await world.settle();
      assert.equal(alice.presence.of(BOB), state);
    }
    assert.deepEqual(
      atAlice.presence,
      ['online', 'away', 'busy', 'online', 'offline'].map((state) => `${BOB} ${state}`),
    );
  });

  it('who was granted, and who granted, can call each other without an identity beside the offer', async () => {
    await befriend(alice, bob);
    for (const [from, to, watcher] of [
      [alice, bob, atBob],
      [bob, alice, atAlice],
    ] as const) {
      const call = await from.call(to.member, { pc: new FakePeerConnection() });
      await world.settle();
      assert.equal(watcher.incoming.length, 1, to.member);
      await call.hangUp();
      await world.settle();
    }
    const carried = world.bridge.sent.flatMap((one) => (one.type === 'app.volly.call.offer' ? [one.identity !== undefined] : []));
    assert.deepEqual(carried, [false, true]);
  });

  it('a stranger gets nothing: no consent, no envelope', async () => {
    const carol = await world.client({ member: CAROL });
    const atCarol = new Watcher(carol);
    await bob.presence.set('online');
    const before = world.bridge.sent.length;
    await carol.presence.watch(BOB);
    await world.settle();
    await bob.presence.set('busy');
    await world.advance(600_000);
    const fromBob = world.bridge.sent.slice(before).filter(({ from }) => from === bob.address);
    assert.deepEqual([fromBob, atCarol.presence, carol.presence.of(BOB)], [[], [], 'offline']);
  });

  it('the person is asked once, whatever the other repeats', async () => {
    let asked = 0;
    bob.on('presence-request', () => asked++);
    await alice.presence.watch(BOB);
    await world.advance(1_900_000);
    assert.ok(world.bridge.types().filter((type) => type === 'presence.subscribe').length >= 3);
    assert.equal(asked, 1);
  });

  it('after revocation no change of state puts an envelope on the wire, and the contact sees the member go offline', async () => {
    await bob.presence.set('online');
    await befriend(alice, bob);
    await bob.presence.revoke(ALICE);
    const before = world.bridge.sent.length;
    await bob.presence.set('busy');
    await bob.presence.set('away');
    await world.advance(299_000);
    assert.deepEqual(world.bridge.types(before), []);
    assert.equal(alice.presence.of(BOB), 'online');
    await world.advance(2_000);
    assert.equal(alice.presence.of(BOB), 'offline');
    assert.deepEqual(atAlice.presence, [`${BOB} online`, `${BOB} offline`]);
  });

  it('a replayed update is refused, also after a restart', async () => {
    const updates: Envelope[] = [];
    await befriend(alice, bob);
    world.bridge.fate = (envelope) => {
      if (envelope.type === 'app.volly.presence') updates.push(envelope);
      return undefined;
    };
    await bob.presence.set('online');
    await bob.presence.set('busy');
    await world.settle();
    world.bridge.inject(updates[0] as Envelope);
    await world.settle();
    assert.equal(alice.presence.of(BOB), 'busy');
    assert.deepEqual(atAlice.refused, ['replayed presence']);
    await alice.close();
    alice = await world.client({ store: aliceStore });
    const after = new Watcher(alice);
    await world.settle();
    world.bridge.inject(updates[0] as Envelope);
    await world.settle();
    assert.deepEqual([after.refused, alice.presence.of(BOB)], [['replayed presence'], 'offline']);
  });

  it('heartbeats keep a state alive for as long as the member is there', async () => {
    await bob.presence.set('online');
    await befriend(alice, bob);
    await world.advance(3_600_000);
    assert.deepEqual(atAlice.presence, [`${BOB} online`]);
    world.bridge.offline(bob.address);
    await world.advance(301_000);
    assert.equal(alice.presence.of(BOB), 'offline');
  });

  it('an update that overtakes its grant counts once the grant is there', async () => {
    world.bridge.fate = ({ type }) => (type === 'app.volly.presence.grant' ? 200 : undefined);
    await bob.presence.set('busy');
    await befriend(alice, bob);
    await world.advance(300);
    assert.equal(alice.presence.of(BOB), 'busy');
  });

  it('a second device of a contact is granted without asking, and the most available device of a member counts', async () => {
    await bob.presence.set('away');
    await befriend(alice, bob);
    const { client: tablet } = await world.sibling(alice, 'TABLET');
    let asked = 0;
    bob.on('presence-request', () => asked++);
    await tablet.presence.watch(BOB);
    await world.settle();
    assert.deepEqual([tablet.presence.of(BOB), asked], ['away', 0]);

    const { client: laptop } = await world.sibling(bob, 'LAPTOP');
    const consent = laptop.once('presence-request');
    await world.advance(600_000);
    await (await consent)[0].accept();
    await laptop.presence.set('online');
    await world.settle();
    assert.equal(alice.presence.of(BOB), 'online');
    await laptop.presence.set('offline');
    await world.settle();
    assert.equal(alice.presence.of(BOB), 'away');
  });

  it('grants are renewed before they end, and a restarted member goes on', async () => {
    await bob.presence.set('online');
    await befriend(alice, bob);
    for (let day = 0; day < 9; day++) await world.advance(86_400_000);
    assert.equal(alice.presence.of(BOB), 'online');
    assert.deepEqual(atAlice.presence, [`${BOB} online`]);
  });
});
