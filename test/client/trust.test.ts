/** Whom a client calls and lets ring: pins, changed identities, legacy peers, stale prekeys, replays. */
import assert from 'node:assert/strict';
import { toBase64url } from '../../src/bytes.ts';
import type { VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { compositePublicKey } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { noble } from '../../src/crypto/noble.ts';
import { VollyError } from '../../src/errors.ts';
import { LEGACY_DEVICE, newCallId, parseMemberId } from '../../src/ids.ts';
import { checkBundle, decodeBundle, encodeBundle } from '../../src/protocol/bundle.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { makeLegacyStatement } from '../../src/protocol/legacy.ts';
import { sealOffer } from '../../src/protocol/offer.ts';
import { makePrekey } from '../../src/protocol/prekey.ts';
import { AV, first, makePerson, NOW } from '../protocol/people.ts';
import { seededRandom } from '../support/clock.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, connectCall, Watcher, World } from './world.ts';

const coded = (code: string) => (error: unknown) => error instanceof VollyError && error.code === code;
const pc = () => new FakePeerConnection();
const DAY = 86_400_000;

describe('whom a client trusts', () => {
  let world: World;
  let alice: VollyClient;
  let bob: VollyClient;
  let bobStore: MemoryStore;

  beforeEach(async () => {
    world = new World();
    bobStore = new MemoryStore();
    alice = await world.client({ member: ALICE });
    bob = await world.client({ member: BOB, store: bobStore });
    await world.settle();
  });

  afterEach(() => world.close());

  it('a changed identity blocks calls both ways until the user accepts it', async () => {
    const atBob = new Watcher(bob);
    const first = await connectCall(world, alice, bob, atBob);
    await first.caller.hangUp();
    await bob.close();
    world.bridge.plant(parseMemberId(BOB), []);
    const stranger = await world.client({ member: BOB });
    const changed: (readonly [member: string, fingerprint: string])[] = [];
    alice.on('identity-changed', (...event) => changed.push(event));
    const atAlice = new Watcher(alice);
    await world.settle();

    await assert.rejects(alice.call(BOB, { pc: pc() }), coded('identity_changed'));
    await stranger.call(ALICE, { pc: pc() });
    await world.settle();
    assert.deepEqual(atAlice.incoming, []);
    const [bundle] = world.bridge.bundlesOf(parseMemberId(BOB));
    const fingerprint = toBase64url(decodeBundle(bundle!).identity.rootHash);
    assert.deepEqual(changed, [
      [BOB, fingerprint],
      [BOB, fingerprint],
    ]);

    await alice.acceptIdentity(BOB, fingerprint);
    await alice.acceptIdentity(BOB, fingerprint);
    await stranger.call(ALICE, { pc: pc() });
    await world.settle();
    assert.equal(atAlice.incoming.length, 1);
    assert.equal(atAlice.ringing.verified, false);
  });

  it('an address with # is called under that identity only', async () => {
    const [bundle] = world.bridge.bundlesOf(parseMemberId(BOB));
    const hash = toBase64url(decodeBundle(bundle!).identity.rootHash);
    await assert.rejects(alice.call(`${BOB}#${toBase64url(new Uint8Array(32))}`, { pc: pc() }), coded('identity_changed'));
    const carol = await world.client({ member: 'carol@orchid.example' });
    const call = await carol.call(`${BOB}#${hash}`, { pc: pc() });
    assert.equal(call.state, 'calling');
    await assert.rejects(carol.call(`${BOB}#nonsense`, { pc: pc() }), coded('bad_address'));
  });

  it('an offer whose frames must be encrypted is rejected without ringing', async () => {
    const now = NOW;
    const later = new World();
    later.clock.jump(now - later.clock.now());
    const atBob = new Watcher(await later.client({ member: BOB }));
    await later.settle();
    const member = parseMemberId(BOB);
    const peer = checkBundle(noble, later.bridge.bundlesOf(member)[0]!, { member, known: {}, now });
    const { local, identity } = first(makePerson('carol@lotus.example'));
    const random = seededRandom(5);
    const options = { device: local, identity, peer, callId: newCallId(random), sdp: AV.offer, now } as const;
    const { envelope } = await sealOffer(noble, random, { ...options, policy: 'required' });
    later.bridge.inject(envelope);
    await later.settle();
    assert.deepEqual(atBob.incoming, []);
    assert.deepEqual(later.bridge.types(), ['call.reject']);
    await later.close();
  });

  it('a legacy peer is refused with not_end_to_end unless the app allows it, and never where an identity is pinned', async () => {
    const member = parseMemberId('old@maple.example');
    const random = seededRandom(5);
    const [communitySeed, dikSeed] = [random(64), random(64)];
    const communityKey = compositePublicKey(noble, communitySeed);
    const dik = compositePublicKey(noble, dikSeed);
    const now = world.clock.now();
    const legacyOf = (of: typeof member) => {
      const statement = makeLegacyStatement(noble, communitySeed, {
        ...{ member: of, dikHash: sha256(dik), version: 1, expires: now + DAY },
      });
      const uikHash = sha256(communityKey);
      const made = makePrekey(noble, random, { member: of, device: LEGACY_DEVICE, uikHash, dikSeed, epoch: 1, now });
      return encodeBundle(statement, dik, made.statement, communityKey);
    };
    world.bridge.plant(member, [legacyOf(member)]);
    const before = world.bridge.sent.length;
    await assert.rejects(alice.call(member, { pc: pc() }), coded('not_end_to_end'));
    assert.deepEqual(world.bridge.types(before), ['keys.query']);
    const call = await alice.call(member, { pc: pc(), allowLegacy: true });
    assert.equal(call.endToEnd, false);

    const toBob = await alice.call(BOB, { pc: pc() });
    assert.equal(toBob.endToEnd, true);
    world.bridge.plant(parseMemberId(BOB), [legacyOf(parseMemberId(BOB))]);
    await assert.rejects(alice.call(BOB, { pc: pc(), allowLegacy: true }), coded('downgrade'));
  });

  it('no ringing within 5 s: a stale prekey is found out, and the member is offered the call anew', async () => {
    // A hostile or slow bridge shows yesterday's bundle.
    const old = world.bridge.bundlesOf(parseMemberId(BOB));
    await world.advance(DAY + 3_600_000);
    await world.advance(DAY + 3_600_000);
    const fresh = world.bridge.bundlesOf(parseMemberId(BOB));
    assert.notDeepEqual(old, fresh);
    world.bridge.plant(parseMemberId(BOB), old);
    const atBob = new Watcher(bob);
    const call = await alice.call(BOB, { pc: pc() });
    await world.settle();
    assert.deepEqual(atBob.refused, ['wrong_recipient call.offer']);
    world.bridge.plant(parseMemberId(BOB), fresh);
    await world.advance(5_100);
    assert.equal(atBob.incoming.length, 1);
    assert.notEqual(atBob.ringing.id, call.id);
    await atBob.ringing.accept({ pc: pc() });
    await world.settle();
    assert.equal(call.state, 'active');
  });

  it('prekeys rotate each day, and the seed before the last is gone', async () => {
    const atBob = new Watcher(bob);
    const [first] = world.bridge.bundlesOf(parseMemberId(BOB));
    await world.advance(DAY + 3_600_000);
    const [second] = world.bridge.bundlesOf(parseMemberId(BOB));
    assert.ok(decodeBundle(second!).prekey.epoch > decodeBundle(first!).prekey.epoch);
    world.bridge.plant(parseMemberId(BOB), [first!]);
    await alice.call(BOB, { pc: pc() });
    await world.settle();
    assert.equal(atBob.incoming.length, 1, 'within its grace the old one still opens');
  });

  it('the list is renewed after 7 days', async () => {
    const [first] = world.bridge.bundlesOf(parseMemberId(BOB));
    for (let day = 0; day < 8; day++) await world.advance(DAY);
    const [later] = world.bridge.bundlesOf(parseMemberId(BOB));
    assert.ok(decodeBundle(later!).identity.version > decodeBundle(first!).identity.version);
  });

  it('R14 one offer rings once: repeated, after a restart, after a step of the clock', async () => {
    const offers: Envelope[] = [];
    world.bridge.fate = (envelope) => {
      if (envelope.type === 'app.volly.call.offer') offers.push(envelope);
      return undefined;
    };
    const atBob = new Watcher(bob);
    const call = await alice.call(BOB, { pc: pc() });
    await world.settle();
    assert.equal(atBob.incoming.length, 1);
    const again = (change: object = {}) => world.bridge.inject({ ...(offers[0] as Envelope), ...change } as Envelope);

    again();
    // The envelope's id is not authenticated: another one is the same offer.
    again({ id: 'AAAAAAAAAAAAAAAAAAAAAA' });
    await world.settle();
    assert.equal(atBob.incoming.length, 1);

    await call.hangUp();
    await bob.close();
    const restarted = await world.client({ store: bobStore });
    const after = new Watcher(restarted);
    again();
    await world.settle();
    assert.deepEqual(after.incoming, []);
    assert.deepEqual(after.refused, ['replayed call.offer']);

    world.clock.jump(-3_600_000);
    again();
    await world.settle();
    world.clock.jump(3_600_000 + 30_000);
    again();
    await world.advance(400_000);
    world.clock.jump(-400_000);
    again();
    await world.settle();
    assert.deepEqual(after.incoming, []);
  });
});
