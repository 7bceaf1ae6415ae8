/** A member's second device: enrolled by the first, rung together with it, gone when its entry is. */
import assert from 'node:assert/strict';
import { VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { VollyError } from '../../src/errors.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, Watcher, World } from './world.ts';

const coded = (code: string) => (error: unknown) => error instanceof VollyError && error.code === code;

describe('a member’s devices', () => {
  let world: World;
  let alice: VollyClient;
  let phone: VollyClient;

  beforeEach(async () => {
    world = new World();
    alice = await world.client({ member: ALICE });
    phone = await world.client({ member: BOB });
    await world.settle();
  });

  afterEach(() => world.close());

  it('one call rings both, the first answer wins, the other hears that it was answered elsewhere', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    const [atPhone, atLaptop] = [new Watcher(phone), new Watcher(laptop)];
    await world.settle();
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    assert.deepEqual([atPhone.incoming.length, atLaptop.incoming.length], [1, 1]);
    assert.equal(atPhone.ringing.id, atLaptop.ringing.id);
    const answered = await atLaptop.ringing.accept({ pc: new FakePeerConnection() });
    await world.settle();
    assert.deepEqual([call.state, answered.state, call.device], ['active', 'active', `${BOB}/LAPTOP`]);
    assert.deepEqual(atPhone.ringing.end, { reason: 'answered_elsewhere', by: 'remote' });
  });

  it('both answer at once: one is selected, the other call ends', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    const [atPhone, atLaptop] = [new Watcher(phone), new Watcher(laptop)];
    await world.settle();
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    const [a, b] = await Promise.all([
      atPhone.ringing.accept({ pc: new FakePeerConnection() }),
      atLaptop.ringing.accept({ pc: new FakePeerConnection() }),
    ]);
    await world.settle();
    assert.equal(call.state, 'active');
    assert.deepEqual([a.state, b.state].sort(), ['active', 'ended']);
    assert.equal([a, b].find(({ state }) => state === 'ended')?.end?.reason, 'answered_elsewhere');
  });

  it('declining on one device stops the other, unless it says so', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    const [atPhone, atLaptop] = [new Watcher(phone), new Watcher(laptop)];
    await world.settle();
    const first = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    await atPhone.ringing.reject();
    await world.settle();
    assert.deepEqual([first.end?.reason, atLaptop.ringing.end?.reason], ['declined', 'declined']);
    const second = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    await atPhone.ringing.reject({ all: false });
    await world.settle();
    assert.deepEqual([second.state, atLaptop.ringing.end], ['calling', undefined]);
  });

  it('only the first device approves, only for its own member, and the store must have asked', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    const request = await VollyClient.requestDevice({ store: new MemoryStore(), member: BOB, device: 'TABLET' });
    await assert.rejects(laptop.approveDevice(request), coded('forbidden_in_state'));
    await assert.rejects(alice.approveDevice(request), coded('wrong_recipient'));
    await assert.rejects(phone.approveDevice('volly-device:AA'), coded('bad_encoding'));
    const approval = await phone.approveDevice(request);
    await assert.rejects(world.client({ approval }), coded('bad_invite'));
    await assert.rejects(world.client(), coded('not_enrolled'));
    const store = new MemoryStore();
    await VollyClient.requestDevice({ store, member: BOB, device: 'OTHER' });
    await assert.rejects(world.client({ store, approval }), coded('not_in_list'));
  });

  it('a device that was away learns of its new sibling from the bridge and is called under the newer list', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    await world.settle();
    const request = await VollyClient.requestDevice({ store: new MemoryStore(), member: BOB, device: 'TABLET' });
    await phone.approveDevice(request);
    await world.settle();
    const atLaptop = new Watcher(laptop);
    await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    assert.equal(atLaptop.incoming.length, 1);
  });

  it('a device starts again from its store', async () => {
    const { client: laptop, store } = await world.sibling(phone, 'LAPTOP');
    await laptop.close();
    const again = await world.client({ store });
    assert.equal(again.address, laptop.address);
    const watcher = new Watcher(again);
    await world.settle();
    await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    assert.equal(watcher.incoming.length, 1);
  });

  it('a removed device is out of the list, and gets no offer', async () => {
    const { client: laptop } = await world.sibling(phone, 'LAPTOP');
    await world.settle();
    assert.deepEqual(
      phone.devices.map(({ id, current }) => `${id} ${current}`),
      ['LAPTOP false', 'PHONE true'],
    );
    await (await alice.call(BOB, { pc: new FakePeerConnection() })).hangUp();
    await world.settle();
    const stale = world.bridge.bundlesOf(phone.member);
    await assert.rejects(laptop.removeDevice('PHONE'), coded('forbidden_in_state'));
    await assert.rejects(phone.removeDevice('PHONE'), coded('forbidden_in_state'));
    await assert.rejects(phone.removeDevice('TABLET'), coded('not_in_list'));
    await phone.removeDevice('LAPTOP');
    await world.settle();
    assert.deepEqual(
      phone.devices.map(({ id }) => id),
      ['PHONE'],
    );
    assert.equal(laptop.connection.kind, 'closed');

    const offered = async (): Promise<string[]> => {
      const before = world.bridge.sent.length;
      await (await alice.call(BOB, { pc: new FakePeerConnection() })).hangUp();
      const offers = world.bridge.sent.slice(before).filter(({ type }) => type === 'app.volly.call.offer');
      return offers.map(({ to }) => to);
    };
    assert.deepEqual(await offered(), [phone.address]);
    // A bridge that goes on showing the device under the list of before.
    world.bridge.plant(phone.member, [...stale, ...world.bridge.bundlesOf(phone.member)]);
    assert.deepEqual(await offered(), [phone.address]);
  });
});
