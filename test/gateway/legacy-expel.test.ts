/** Legacy members whom the operator suspends or removes. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { isLegacyFactOf, redeemCredential } from '../../src/gateway/legacy/credential.ts';
import { parseLocalpart, parseMemberId } from '../../src/ids.ts';
import { BOB, Watcher } from '../client/world.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { type FakeApp, LegacyWorld, OLGA, OTTO } from './legacy-world.ts';

const olga = parseLocalpart('olga');

describe('a legacy member that the operator shows out', () => {
  let world: LegacyWorld;
  let bob: VollyClient;
  let atBob: Watcher;
  let app: FakeApp;
  let credential: string;

  beforeEach(async () => {
    world = new LegacyWorld();
    bob = await world.client({ member: BOB });
    atBob = new Watcher(bob);
    ({ app, credential } = await world.member(OLGA));
  });
  afterEach(() => world.close());

  const offer = async () => (await new FakePeerConnection().createOffer()).sdp;

  it('has its calls ended towards its peers, and its sockets closed with the code; its credential serves again when that is taken back', async () => {
    app.say({ type: 'offer', to: BOB, sdp: await offer() });
    await world.settle();
    assert.equal(atBob.incoming.length, 1);
    await world.stores.roll.suspend(olga, world.clock.now());
    await world.lines.expel(olga, 'suspended');
    await world.settle();
    assert.equal(app.closedWith, 'suspended');
    assert.deepEqual(world.bridge.types().slice(-1), ['call.hangup']);
    assert.equal(await redeemCredential(world.stores, credential), undefined);
    await world.stores.roll.suspend(olga, undefined);
    const back = await world.app(credential);
    assert.deepEqual(back.heard, [], 'nothing of what was ended by the operator is told as the end of a restart');
  });

  it('does not come in by a door that was open when it was suspended or removed', async () => {
    for (const end of ['suspend', 'remove'] as const) {
      // Its credential is looked at; then the operator acts; then its app would join.
      const owner = await redeemCredential(world.stores, credential);
      assert.ok(owner);
      await world.stores.roll.suspend(olga, world.clock.now());
      await world.lines.expel(olga, 'suspended');
      if (end === 'remove') await world.stores.roll.remove(parseMemberId(OLGA), world.clock.now(), () => false);
      assert.equal(await world.lines.receive(owner), undefined, end);
      if (end === 'suspend') await world.stores.roll.suspend(olga, undefined);
    }
  });

  it('leaves no fact once it is removed, neither its own nor what another one here remembered of it', async () => {
    const { app: otto } = await world.member(OTTO);
    otto.say({ type: 'offer', to: OLGA, sdp: await offer() });
    await world.settle();
    app.say({ type: 'offer', to: BOB, sdp: await offer() });
    await world.settle();
    const names: string[] = [];
    const { set } = world.stores.facts;
    world.stores.facts.set = async (name, value) => {
      names.push(name);
      await set(name, value);
    };
    await world.stores.roll.suspend(olga, world.clock.now());
    await world.lines.expel(olga, 'not_enrolled');
    names.length = 0;
    const member = parseMemberId(OLGA);
    const seen: string[] = [];
    await world.stores.roll.remove(member, world.clock.now(), (name) => {
      seen.push(name);
      return isLegacyFactOf(member, name);
    });
    await world.settle();
    await world.advance(120_000);
    assert.deepEqual(
      names.filter((name) => isLegacyFactOf(member, name)),
      [],
      'and writes none after that',
    );
    assert.ok(seen.some((name) => name.startsWith('legacy credential olga')));
    for (const name of seen) assert.equal((await world.stores.facts.get(name)) === undefined, isLegacyFactOf(member, name), name);
  });

  it('is told apart from members whose names are words of the facts', () => {
    const key = parseMemberId('key@orchid.example');
    assert.equal(isLegacyFactOf(key, 'community key orchid.example'), false);
    assert.equal(isLegacyFactOf(parseMemberId('peer@orchid.example'), 'legacy peer olga 5 bob@fern.example'), false);
    assert.equal(isLegacyFactOf(parseMemberId('5@orchid.example'), 'legacy peer olga 5 bob@fern.example'), false);
    assert.equal(isLegacyFactOf(parseMemberId('bob@fern.example'), 'legacy peer olga 5 bob@fern.example'), true);
  });
});
