/** What a bridge may put into its answer to a key query. */
import assert from 'node:assert/strict';
import { addressOf } from '../../src/protocol/header.ts';
import { ALICE, BOB, World } from '../client/world.ts';
import { first, makePerson, NOW } from '../protocol/people.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

describe('attacks by the answer to a key query', () => {
  it('a second identity beside the one that is about to be pinned is not reached', async () => {
    const world = new World();
    world.clock.jump(NOW - world.clock.now());
    const alice = await world.client({ member: ALICE });
    const bob = makePerson(BOB);
    const beside = makePerson(BOB, ['TABLET']);
    world.bridge.plant(bob.member, [first(bob).bundle, first(beside).bundle]);
    await alice.presence.watch(BOB);
    await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    const reached = world.bridge.sent.filter(({ type }) => /subscribe|offer/.test(type)).map(({ type, to }) => `${type} ${to}`);
    const device = addressOf(first(bob).local);
    assert.deepEqual([...new Set(reached)], [`app.volly.presence.subscribe ${device}`, `app.volly.call.offer ${device}`]);
    await world.close();
  });
});
