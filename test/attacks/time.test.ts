/** What a gateway may do with the time it signs. */
import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { newCallId } from '../../src/ids.ts';
import { checkBundle } from '../../src/protocol/bundle.ts';
import { sealOffer } from '../../src/protocol/offer.ts';
import { sealSubscribe } from '../../src/protocol/presence.ts';
import { ALICE, BOB, Watcher, World } from '../client/world.ts';
import { AV, first, makePerson, NOW, P, random } from '../protocol/people.ts';

const MONTH = 31 * 86_400_000;

describe('attacks by a gateway that sets the clock back', () => {
  it('a list that has expired by the local clock rings for nobody and asks for nothing', async () => {
    const world = new World();
    world.clock.jump(NOW - world.clock.now());
    const gateway: typeof world.bridge.gateway = (options) => Object.assign(world.bridge.gateway(options), { now: () => NOW });
    const alice = await world.client({ member: ALICE, gateway });
    const atAlice = new Watcher(alice);
    const requests: string[] = [];
    alice.on('presence-request', ({ from }) => requests.push(from));
    await world.settle();
    const [bundle] = world.bridge.bundlesOf(alice.member);
    const peer = checkBundle(P, bundle as Bytes, { member: alice.member, known: {}, now: NOW });
    const { local: device, identity } = first(makePerson(BOB));
    const knock = async (now: number) => {
      const offer = { device, identity, peer, callId: newCallId(random), sdp: AV.offer, policy: 'none', now } as const;
      world.bridge.inject((await sealOffer(P, random, offer)).envelope);
      world.bridge.inject(await sealSubscribe(P, random, { device, identity, peer, now }));
      await world.settle();
    };

    world.clock.jump(MONTH);
    await knock(NOW);
    assert.deepEqual(atAlice.refused, ['expired call.offer', 'expired presence.subscribe']);
    assert.deepEqual([atAlice.incoming, requests], [[], []]);
    world.clock.jump(-MONTH);
    await knock(NOW + 1);
    assert.deepEqual([atAlice.incoming.length, requests], [1, [BOB]]);
    await world.close();
  });
});
