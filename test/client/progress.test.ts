/** What a caller is shown on the way to an answer, in whatever order it comes. PROTOCOL.md section 14.5, `delivered`. */
import assert from 'node:assert/strict';
import type { Call } from '../../src/client/call.ts';
import type { VollyClient } from '../../src/client/client.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, Watcher, World } from './world.ts';

const watch = (call: Call): string[] => {
  const shown: string[] = [call.progress];
  for (const name of ['delivered', 'ringing'] as const) call.on(name, () => shown.push(`${name}: ${call.progress}`));
  call.on('state', (state) => shown.push(`${state}: ${call.progress}`));
  return shown;
};
const WHOLE = ['calling', 'delivered: delivered', 'ringing: ringing', 'active: active'];

describe('client progress', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let atBob: Watcher;

  /** What is said of a call from the moment in which its app has it. */
  const begin = async () => {
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    return { call, shown: watch(call) };
  };
  const delay = (times: Readonly<Record<string, number>>) => {
    world.bridge.fate = ({ type }) => times[type.slice('app.volly.call.'.length)];
  };

  beforeEach(async () => {
    world = new World();
    alice = await world.client({ member: ALICE });
    bob = await world.client({ member: BOB });
    atBob = new Watcher(bob);
    // So that the app hears each step: `call()` itself resolves when the offers are on their way.
    delay({ offer: 10 });
    await world.settle();
  });

  afterEach(() => world.close());

  it('calling, delivered, ringing, active', async () => {
    const { shown } = await begin();
    await world.advance(10);
    await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.settle();
    assert.deepEqual(shown, WHOLE);
  });

  it('delivered to a community whose member is away, and why it ended', async () => {
    world.bridge.offline(bob.address);
    const { call, shown } = await begin();
    await world.advance(61_000);
    assert.deepEqual(shown, ['calling', 'delivered: delivered', 'ended: ended']);
    assert.equal(call.end?.reason, 'undeliverable');
  });

  it('not delivered: nothing is claimed', async () => {
    world.bridge.fate = ({ type }) => (type === 'app.volly.call.offer' ? 'lost' : undefined);
    const { call, shown } = await begin();
    await world.advance(69_999);
    assert.deepEqual([shown, call.progress], [['calling'], 'calling']);
  });

  it('an answer that overtook the ringing is shown after it, and the ringing that comes then is not shown again', async () => {
    delay({ offer: 10, ringing: 500 });
    const { shown } = await begin();
    await world.advance(10);
    await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.advance(1_000);
    assert.deepEqual(shown, WHOLE);
  });

  it('two devices ring: each step is shown once', async () => {
    const { client: laptop } = await world.sibling(bob, 'LAPTOP');
    const atLaptop = new Watcher(laptop);
    await world.settle();
    const { shown } = await begin();
    await world.advance(10);
    assert.deepEqual([atBob.incoming.length, atLaptop.incoming.length], [1, 1]);
    await atLaptop.ringing.accept({ pc: new FakePeerConnection() });
    await world.settle();
    assert.deepEqual(shown, WHOLE);
  });

  it('a callee is shown nothing of a caller’s', async () => {
    await begin();
    await world.advance(10);
    const accepted = atBob.ringing.accept({ pc: new FakePeerConnection() });
    const shown: string[] = [];
    const call = await accepted;
    for (const name of ['delivered', 'ringing'] as const) call.on(name, () => shown.push(name));
    await world.settle();
    assert.deepEqual([shown, call.progress], [[], 'active']);
  });
});
