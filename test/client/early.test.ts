/** A hangup that comes before its offer stays with the bridge, and leaves it when it has done its work. PROTOCOL.md sections 11 and 14.5. */
import assert from 'node:assert/strict';
import { parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Fate } from '../support/fake-bridge.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { type App, House } from './house.ts';
import { ALICE, BOB, connectCall, Watcher, World } from './world.ts';

const OFFER = 'app.volly.call.offer';

describe('a hangup before its offer', () => {
  const waits = (world: World) =>
    world.bridge.waiting(parseDeviceAddress(`${BOB}/PHONE`)).map(({ type }) => type.replace('app.volly.call.', ''));

  /** Bob has it, and not its offer. */
  async function hungUp(offer: Fate = 3_000, busy = false) {
    const world = new World();
    const [alice, bob] = [await world.client({ member: ALICE }), await world.client({ member: BOB })];
    const atBob = new Watcher(bob);
    await world.settle();
    if (busy) {
      const carol = await world.client({ member: 'carol@maple.example' });
      await world.settle();
      await connectCall(world, carol, bob, atBob);
    }
    world.bridge.fate = ({ type }) => (type === OFFER ? offer : undefined);
    const rang = atBob.incoming.length;
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await call.hangUp();
    await world.advance(1_000);
    assert.deepEqual(waits(world), ['hangup']);
    return { world, alice, rings: () => atBob.incoming.length - rang };
  }

  it('is taken when the offer has come', async () => {
    const { world, rings } = await hungUp();
    await world.advance(3_000);
    assert.deepEqual([waits(world), rings()], [[], 0]);
    await world.close();
  });

  it('is taken when its call is dropped: the member is busy', async () => {
    const { world } = await hungUp(3_000, true);
    await world.advance(3_000);
    assert.deepEqual(waits(world), []);
    await world.close();
  });

  it('is let go of when its time is up and the offer never came', async () => {
    const { world, alice } = await hungUp('lost');
    const gone: string[] = [];
    const taken = world.bridge.taken.bind(world.bridge);
    world.bridge.taken = (address, envelope) => {
      gone.push(envelope.type);
      taken(address, envelope);
    };
    await world.advance(LIMITS.heldMs);
    // What is held is looked through when more comes.
    await (await alice.call(BOB, { pc: new FakePeerConnection() })).hangUp();
    await world.advance(1_000);
    assert.deepEqual([gone.filter((type) => type === 'app.volly.call.hangup').length, waits(world)], [1, ['hangup']]);
    await world.close();
  });
});

describe('a hangup before its offer, through real gateways', () => {
  let house: House;
  let alice: App;
  let bob: App;

  beforeEach(async () => {
    house = new House();
    alice = await house.app(ALICE);
    bob = await house.app(BOB);
    bob.community.held.add(OFFER);
    const calling = alice.client.call(BOB, { pc: new FakePeerConnection() });
    await house.clock.advance(500);
    await (await calling).hangUp();
    await house.clock.advance(1_000);
  });

  const told = () => alice.community.arrived.filter(({ type }) => type === 'app.volly.undeliverable');
  const mailbox = () => bob.community.junction.mailbox.waiting(parseDeviceAddress(`${BOB}/PHONE`));

  it('is not told as undeliverable once it did its work', async () => {
    assert.equal((await mailbox()).length, 1);
    await bob.community.release();
    assert.deepEqual(await mailbox(), []);
    await house.clock.advance(2 * LIMITS.hangupLifeMs);
    assert.deepEqual([told(), bob.rings], [[], 0]);
    assert.equal(bob.wires.length, 1);
  });

  it('nor when it came over two connections before its offer', async () => {
    bob.wires.at(-1)?.sever();
    await house.until('it is back', () => bob.client.connection.kind === 'online');
    assert.equal((await mailbox()).length, 1);
    await bob.community.release();
    await house.clock.advance(2 * LIMITS.hangupLifeMs);
    assert.deepEqual([await mailbox(), told(), bob.rings], [[], [], 0]);
    assert.equal(bob.wires.length, 2);
  });

  it('nor when the word that it was taken is lost with its connection: it comes again, for a call that ended', async () => {
    const wire = bob.wires.at(-1);
    if (wire) wire.tamper = (way, message) => (way === 'up' ? undefined : message);
    await bob.community.release();
    assert.equal((await mailbox()).length, 2);
    wire?.sever();
    await house.until('it is back', () => bob.client.connection.kind === 'online');
    await house.clock.advance(2 * LIMITS.hangupLifeMs);
    assert.deepEqual([await mailbox(), told(), bob.rings], [[], [], 0]);
  });

  it('is told as undeliverable where the offer never came', async () => {
    await house.clock.advance(2 * LIMITS.hangupLifeMs);
    assert.equal(told().length, 1);
  });
});
