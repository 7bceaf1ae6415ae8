/** Another community's server against one legacy member, whose bridge opens for it. */
import assert from 'node:assert/strict';
import { newCallId, newEnvelopeId, parseLocalpart, parseMemberId } from '../../src/ids.ts';
import { checkBundle, type Peer } from '../../src/protocol/bundle.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { encodeHeader } from '../../src/protocol/header.ts';
import { sealOffer } from '../../src/protocol/offer.ts';
import { BOB } from '../client/world.ts';
import { type FakeApp, LegacyWorld, OLGA } from '../gateway/legacy-world.ts';
import { AV, first, makeLegacy, makePerson, NOW, type Person } from '../protocol/people.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

describe('attacks on a legacy member', () => {
  let world: LegacyWorld;
  let app: FakeApp;
  let olga: Peer;

  beforeEach(async () => {
    world = new LegacyWorld();
    world.clock.jump(NOW - world.clock.now());
    ({ app } = await world.member(OLGA));
    const bundle = (await world.keys.of(parseLocalpart('olga')))!.bundle();
    const check = { member: parseMemberId(OLGA), known: {}, now: world.clock.now(), allowLegacy: true };
    olga = checkBundle(world.provider, bundle, check);
  });

  afterEach(() => world.close());

  const rung = () => app.heard.filter((type) => type === 'offer').length;

  async function offer(person: Person): Promise<void> {
    const { local, identity } = first(person);
    const options = { device: local, identity, peer: olga, callId: newCallId(world.random), now: world.clock.now() };
    const { envelope } = await sealOffer(world.provider, world.random, { ...options, sdp: AV.offer, policy: 'none' });
    world.bridge.inject(envelope);
    await world.settle();
  }

  /** Well formed, and signed by nobody. */
  function junk(member: string): EnvelopeOf<'app.volly.call.offer'> {
    const now = world.clock.now();
    const { random } = world;
    const type = 'app.volly.call.offer';
    const device = 'PHONE' as never;
    const from = { member: parseMemberId(member), device, uikHash: random(32), listVersion: 1, dikHash: random(32) };
    const { bytes: header } = encodeHeader({
      ...{
        type,
        direction: 0,
        callId: newCallId(random),
        from,
        to: olga.target,
        epoch: 0,
        seq: 0,
        sentTs: now,
        lifetime: 60_000,
      },
    });
    const addresses = { from: `${member}/PHONE` as never, to: `${OLGA}/LEGACY` as never };
    const sealed = { header, quantum_key: random(1_120), sealed: random(3_088), signature: random(3_373) };
    return { id: newEnvelopeId(random), type, ...addresses, expires: now + 60_000, ...sealed };
  }

  it('unsigned offers under made-up names keep neither contacts nor strangers of other servers from calling', async () => {
    const bob = makePerson(BOB);
    world.bridge.plant(bob.member, [first(bob).bundle]);
    app.say({ type: 'offer', to: BOB, sdp: (await new FakePeerConnection().createOffer()).sdp });
    await world.settle();
    app.say({ type: 'hangup', to: BOB });
    await world.settle();

    for (let i = 0; i < 1_100; i++) world.bridge.inject(junk(`m${i}@evil.example`));
    await world.settle();
    assert.equal(world.counts.get('app.volly.call.offer rate_limited'), 1_100 - 120);
    await offer(bob);
    assert.equal(rung(), 1);
    await offer(makePerson('carol@honest.example'));
    assert.equal(rung(), 2);

    for (let i = 0; i < 1_000; i++) world.bridge.inject(junk(`m@evil${i}.example`));
    await world.settle();
    await offer(makePerson('dave@honest.example'));
    assert.equal(rung(), 2, 'strangers have their share in all');
    app.say({ type: 'hangup', to: BOB });
    await world.settle();
    await offer(bob);
    assert.equal(rung(), 3, 'a contact stands beside it');
  });

  it('a server whose community key is pinned does not fill the disk, nor make contacts, of names it invents', async () => {
    const seed = world.random(64);
    const leo = makeLegacy('leo@maple.example', seed);
    world.bridge.plant(leo.member, [first(leo).bundle]);
    app.say({ type: 'offer', to: leo.member, sdp: (await new FakePeerConnection().createOffer()).sdp });
    await world.settle();
    const written: string[] = [];
    const { facts } = world.stores;
    const set = facts.set;
    facts.set = async (name, value) => {
      written.push(name);
      return set.call(facts, name, value);
    };
    for (let i = 0; i < 3; i++) await offer(makeLegacy(`m${i}@maple.example`, seed));
    assert.equal(rung(), 3);
    assert.deepEqual(
      written.filter((name) => name.startsWith('legacy peer')),
      [],
    );
    for (let i = 0; i < 200; i++) world.bridge.inject(junk(`n${i}@maple.example`));
    await world.settle();
    assert.equal(world.counts.get('app.volly.call.offer rate_limited'), 200 - 117);
  });
});
