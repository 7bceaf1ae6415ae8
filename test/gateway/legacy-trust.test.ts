/** Whom a legacy peer is taken for, and what the bridge holds for it. PROTOCOL.md sections 5, 12 and 16. */
import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { makeCredential, redeemCredential } from '../../src/gateway/legacy/credential.ts';
import { memberShelf } from '../../src/gateway/shelf.ts';
import { newCallId, parseLocalpart, parseMemberId } from '../../src/ids.ts';
import { checkBundle, decodeBundle } from '../../src/protocol/bundle.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { sealOffer } from '../../src/protocol/offer.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { BOB, Watcher } from '../client/world.ts';
import { AV, first, makeLegacy, makePerson, NOW } from '../protocol/people.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { type FakeApp, LegacyWorld, OLGA, OTTO } from './legacy-world.ts';

const DAY = 86_400_000;
const olga = parseLocalpart('olga');

describe('legacy trust', () => {
  let world: LegacyWorld;

  beforeEach(() => {
    world = new LegacyWorld();
  });
  afterEach(() => world.close());

  const sdp = async () => (await new FakePeerConnection().createOffer()).sdp;

  it('refuses a legacy statement for a member whose UIK is pinned', async () => {
    const bob = await world.client({ member: BOB });
    const enhanced = await world.client({ member: OLGA });
    const atBob = new Watcher(bob);
    await (await bob.call(OLGA, { pc: new FakePeerConnection() })).hangUp();
    await world.settle();
    await enhanced.close();

    // The community's bridge puts itself in her place.
    const { app } = await world.member(OLGA);
    world.bridge.plant(parseMemberId(OLGA), (await world.keys.bundles('olga')) as Uint8Array<ArrayBuffer>[]);
    await assert.rejects(bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true }), { code: 'downgrade' });
    app.say({ type: 'offer', to: BOB, sdp: await sdp() });
    await world.settle();
    assert.deepEqual(atBob.incoming, []);
    assert.ok(atBob.refused.includes('downgrade call.offer'));
  });

  it('pins the identity of those it calls and answers, per credential', async () => {
    const bob = await world.client({ member: BOB });
    const { app } = await world.member(OLGA);
    app.say({ type: 'offer', to: BOB, sdp: await sdp() });
    await world.settle();
    app.say({ type: 'hangup', to: BOB });
    await world.settle();
    await bob.close();

    const mallory = await world.client({ member: BOB });
    world.bridge.plant(parseMemberId(BOB), []);
    await mallory.close();
    const other = await world.client({ member: BOB, store: new MemoryStore(), device: 'OTHER' });
    const call = await other.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await world.settle();
    app.say({ type: 'offer', to: BOB, sdp: await sdp() });
    await world.settle();
    assert.deepEqual(app.heard, ['hangup identity_changed']);
    assert.equal(world.counts.get('app.volly.call.offer identity_changed'), 2, 'theirs and ours');
    await call.hangUp();

    const renewed = await world.app(await world.credential(OLGA));
    renewed.say({ type: 'offer', to: BOB, sdp: await sdp() });
    await world.settle();
    assert.deepEqual(renewed.heard, []);
    assert.ok(world.bridge.types().filter((type) => type === 'call.offer').length >= 3);
  });

  it('takes a peer from legacy to enhanced, and never back', async () => {
    world.clock.jump(NOW - world.clock.now());
    const { app } = await world.member(OLGA);
    const legacy = makeLegacy('leo@maple.example');
    const calls = async (person: typeof legacy) => {
      world.bridge.plant(person.member, [first(person).bundle]);
      app.say({ type: 'offer', to: person.member, sdp: await sdp() });
      await world.settle();
      app.say({ type: 'hangup', to: person.member });
      await world.settle();
      return app.heard.at(-1);
    };
    assert.equal(await calls(legacy), undefined);
    assert.equal(await calls(makePerson('leo@maple.example')), undefined);
    assert.equal(await calls(legacy), 'hangup downgrade');
  });

  it('remembers so many peers and no more', async () => {
    const bob = await world.client({ member: BOB });
    const { app } = await world.member(OLGA);
    const keys = (await world.keys.of(olga))!;
    await world.stores.facts.set(`legacy peers olga ${keys.owner.since}`, '10000');
    app.say({ type: 'offer', to: BOB, sdp: await sdp() });
    await world.settle();
    assert.deepEqual(app.heard, ['hangup overloaded']);
    await bob.close();
  });

  it('pins the community key of a server on first use, for all members here', async () => {
    world.clock.jump(NOW - world.clock.now());
    const { app: atOlga } = await world.member(OLGA);
    const { app: atOtto } = await world.member(OTTO);
    const calls = async (app: FakeApp, name: string, communitySeed: Bytes) => {
      const leo = makeLegacy(name, communitySeed);
      world.bridge.plant(leo.member, [first(leo).bundle]);
      app.say({ type: 'offer', to: name, sdp: await sdp() });
      await world.settle();
      return app.heard.at(-1);
    };
    const [seed, other] = [world.random(64), world.random(64)];
    assert.equal(await calls(atOlga, 'leo@maple.example', seed), undefined);
    assert.equal(await calls(atOtto, 'lea@maple.example', other), 'hangup identity_changed');
    // Nobody speaks for legacy members of this server but this bridge.
    assert.equal(await calls(atOlga, 'lou@orchid.example', other), 'hangup identity_changed');
  });

  it('opens an offer that comes without its identity, once that was confirmed', async () => {
    const bob = await world.client({ member: BOB });
    const { app } = await world.member(OLGA);
    for (const round of [1, 2]) {
      const pc = new FakePeerConnection();
      const call = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
      await world.settle();
      await pc.setRemoteDescription({ type: 'offer', sdp: app.last('offer').sdp as string });
      app.say({ type: 'answer', to: BOB, sdp: (await pc.createAnswer()).sdp });
      await world.settle();
      assert.equal(call.state, 'active', `round ${round}`);
      await call.hangUp();
      await world.settle();
    }
    const offers = world.bridge.sent.filter(
      (one): one is Extract<Envelope, { type: 'app.volly.call.offer' }> => one.type === 'app.volly.call.offer',
    );
    assert.deepEqual(
      offers.map(({ identity }) => identity !== undefined),
      [true, false],
    );
  });

  it('rings once for one offer, also after a restart', async () => {
    const bob = await world.client({ member: BOB });
    const { app, credential } = await world.member(OLGA);
    const call = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
    await world.settle();
    const offer = world.bridge.sent.find(({ type }) => type === 'app.volly.call.offer') as Envelope;
    await call.hangUp();
    world.bridge.inject(offer);
    await world.settle();
    assert.deepEqual(app.heard, ['offer', 'hangup hangup']);
    assert.equal(world.counts.get('app.volly.call.offer replayed'), 1);
    world.restart();
    const back = await world.app(credential);
    world.bridge.inject(offer);
    await world.settle();
    assert.deepEqual(back.heard, []);
  });

  it('declines what must be encrypted end to end', async () => {
    world.clock.jump(NOW - world.clock.now());
    const { app } = await world.member(OLGA);
    const carol = makePerson('carol@maple.example');
    const now = world.clock.now();
    const bundle = (await world.keys.of(olga))!.bundle();
    const peer = checkBundle(world.provider, bundle, { member: parseMemberId(OLGA), known: {}, now, allowLegacy: true });
    const { local, identity } = first(carol);
    const options = { device: local, identity, peer, callId: newCallId(world.random), sdp: AV.offer, now } as const;
    const { envelope } = await sealOffer(world.provider, world.random, { ...options, policy: 'required' });
    world.bridge.inject(envelope);
    await world.settle();
    assert.deepEqual(app.heard, []);
    assert.deepEqual(world.bridge.types(), ['call.reject']);
  });
});

describe('legacy keys', () => {
  it('are the same statement in every run of a week, and prekeys of this run alone', async () => {
    const world = new LegacyWorld();
    await world.credential(OLGA);
    const shelf = memberShelf(world.stores.members, world.clock, world.keys);
    const before = decodeBundle((await shelf.bundles('olga'))[0]!);
    assert.deepEqual(await shelf.bundles('nobody'), []);
    assert.deepEqual(await memberShelf(world.stores.members, world.clock).bundles('olga'), [], 'switched off');
    await world.advance(1);
    world.restart();
    const after = decodeBundle((await world.keys.bundles('olga'))[0]!);
    assert.deepEqual(after.identity.signed.bytes, before.identity.signed.bytes);
    assert.deepEqual(after.identity.dik, before.identity.dik);
    assert.notDeepEqual(after.prekey.spk, before.prekey.spk);
    assert.ok(after.prekey.epoch > before.prekey.epoch);

    await world.advance(7 * DAY);
    const later = decodeBundle((await world.keys.bundles('olga'))[0]!);
    assert.ok(later.identity.version > after.identity.version);
    assert.deepEqual(later.identity.dik, after.identity.dik);
    checkBundle(world.provider, (await world.keys.bundles('olga'))[0]!, {
      ...{ member: parseMemberId(OLGA), known: {}, now: world.clock.now(), allowLegacy: true },
    });
  });

  it('rotate prekeys each day, keep the one before for a day, and erase it then', async () => {
    const world = new LegacyWorld();
    await world.credential(OLGA);
    const keys = (await world.keys.of(olga))!;
    const [first] = keys.local().prekeys;
    await world.clock.advance(DAY);
    const [second, old] = keys.local().prekeys;
    assert.equal(old, first);
    assert.ok(first!.seed.some((byte) => byte !== 0));
    await world.clock.advance(DAY);
    assert.equal(keys.local().prekeys[1], second);
    assert.ok(first!.seed.every((byte) => byte === 0));
    await world.clock.advance(3 * DAY);
    assert.equal(keys.local().prekeys.length, 1, 'nobody can have fetched the one before within a day');
  });

  it('are new ones under a new credential, at a higher version', async () => {
    const world = new LegacyWorld();
    const one = await world.credential(OLGA);
    const before = decodeBundle((await world.keys.bundles('olga'))[0]!).identity;
    const two = await world.credential(OLGA);
    const after = decodeBundle((await world.keys.bundles('olga'))[0]!).identity;
    assert.ok(after.version > before.version);
    assert.notDeepEqual(after.dik, before.dik);
    assert.equal(await redeemCredential(world.stores, one), undefined);
    assert.equal((await redeemCredential(world.stores, two))?.localpart, 'olga');
  });

  it('are for legacy members alone, and their credential is kept as a hash', async () => {
    const world = new LegacyWorld();
    const { members, facts } = memoryStores();
    await members.add(parseLocalpart('bob'), 'enhanced');
    const options = { members, facts, random: world.random, clock: world.clock };
    await assert.rejects(makeCredential({ ...options, localpart: parseLocalpart('bob') }), { code: 'name_taken' });
    const written: string[] = [];
    const spy = { ...facts, set: async (name: string, value: string) => void written.push(`${name} ${value}`) };
    const credential = await makeCredential({ ...options, facts: spy, localpart: olga });
    const secret = Buffer.from(credential, 'base64url').subarray(0, 32).toString('base64url');
    assert.equal(written.length, 1);
    assert.ok(!written[0]!.includes(secret));
    for (const bad of [
      '',
      'x',
      credential.slice(1),
      `${credential}A`,
      'A'.repeat(43),
      Buffer.alloc(40, 255).toString('base64url'),
    ])
      assert.equal(await redeemCredential({ members, facts }, bad), undefined, bad);
  });
});
