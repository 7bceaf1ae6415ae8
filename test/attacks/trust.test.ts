/** A bridge that shows a false identity first and waits, and a contact that turns hostile. */
import assert from 'node:assert/strict';
import type { VollyClient } from '../../src/client/client.ts';
import { Contacts } from '../../src/client/contacts.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { VollyError } from '../../src/errors.ts';
import { parseMemberId, parseServerName } from '../../src/ids.ts';
import type { Identity } from '../../src/protocol/identity.ts';
import { ALICE, BOB, connectCall, Watcher, World } from '../client/world.ts';
import { first, makeLegacy, NOW } from '../protocol/people.ts';
import { seededRandom } from '../support/clock.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

const coded = (code: string) => (error: unknown) => error instanceof VollyError && error.code === code;
const pc = () => new FakePeerConnection();

describe('attacks on pins', () => {
  let world: World;
  let alice: VollyClient;
  let falseBob: VollyClient;

  /** The bridge takes the false Bob away and lets the real one be seen. */
  async function realBob(): Promise<VollyClient> {
    world.bridge.offline(falseBob.address);
    world.bridge.plant(parseMemberId(BOB), []);
    const bob = await world.client({ member: BOB });
    await world.settle();
    return bob;
  }

  async function verify(): Promise<{ bob: VollyClient; number: string }> {
    const bob = await realBob();
    const call = await connectCall(world, alice, bob, new Watcher(bob));
    await call.caller.hangUp();
    await world.settle();
    const number = alice.safetyNumber(BOB);
    assert.equal(number, bob.safetyNumber(ALICE));
    await alice.markVerified(BOB);
    return { bob, number };
  }

  beforeEach(async () => {
    world = new World();
    alice = await world.client({ member: ALICE });
    falseBob = await world.client({ member: BOB });
    await world.settle();
  });

  afterEach(() => world.close());

  it('a presence request from before a contact was verified cannot put its own identity in the place of the verified one', async () => {
    const asked = alice.once('presence-request');
    await falseBob.presence.watch(ALICE);
    const [request] = await asked;
    const { number } = await verify();
    await assert.rejects(request.accept(), coded('identity_changed'));
    assert.equal(alice.safetyNumber(BOB), number);
    assert.ok(alice.isVerified(BOB));
  });

  it('a call that rang before its caller’s name was pinned to another identity cannot be accepted', async () => {
    const atAlice = new Watcher(alice);
    await falseBob.call(ALICE, { pc: pc() });
    await world.settle();
    const ringing = atAlice.ringing;
    const { number } = await verify();
    await assert.rejects(ringing.accept({ pc: pc() }), coded('identity_changed'));
    assert.equal(alice.safetyNumber(BOB), number);
  });

  it('nobody is marked verified whose identity was never seen', async () => {
    await assert.rejects(alice.markVerified('carol@maple.example'), coded('unknown_member'));
    assert.equal(alice.isVerified('carol@maple.example'), false);
  });

  it('a contact that shows ever new devices does not make the record of contacts unreadable', async () => {
    const random = seededRandom(5);
    const store = new MemoryStore();
    const own = { server: parseServerName('orchid.example'), keyHash: random(32) };
    const contacts = await Contacts.load(store, own);
    const member = parseMemberId(BOB);
    const root = random(1_984);
    const rootHash = random(32);
    const identityOf = (version: number): Identity => {
      const dikHash = random(32);
      const signed = { bytes: random(8), signature: random(8) };
      const entries = [{ device: 'PHONE' as never, dikHash, notAfter: 1 }];
      return {
        ...{ kind: 'enhanced', member, root, rootHash, signed, hash: random(32), version },
        ...{ expires: 1, entries, dik: random(8), dikHash },
      };
    };
    await contacts.pin(member, identityOf(0));
    for (let version = 1; version <= 600; version++) {
      const identity = identityOf(version);
      await contacts.learn(member, identity, { epoch: version, identity: identity.dik });
      await contacts.confirm(member, identity.dikHash, 1);
    }
    const { known, confirmed } = (await Contacts.load(store, own)).get(member);
    assert.deepEqual(known.pin, rootHash);
    for (const record of [known.epochs, known.identities, confirmed]) assert.ok(Object.keys(record ?? {}).length <= 17);
  });

  it('a community key is pinned for all legacy members of its server, also after a restart; the own server’s came with the invite', async () => {
    world.clock.jump(NOW - world.clock.now());
    const store = new MemoryStore();
    const dana = await world.client({ member: 'dana@orchid.example', store });
    const random = seededRandom(6);
    const [seed, other] = [random(64), random(64)];
    const calls = async (client: VollyClient, name: string, communitySeed: typeof seed) => {
      const legacy = makeLegacy(name, communitySeed);
      world.bridge.plant(legacy.member, [first(legacy).bundle]);
      await (await client.call(name, { pc: pc(), allowLegacy: true })).hangUp();
    };
    await calls(dana, 'leo@maple.example', seed);
    await calls(dana, 'lea@maple.example', seed);
    await assert.rejects(calls(dana, 'lou@maple.example', other), coded('identity_changed'));
    await assert.rejects(calls(dana, 'lou@orchid.example', other), coded('identity_changed'));
    await dana.close();
    const again = await world.client({ store });
    await assert.rejects(calls(again, 'lou@maple.example', other), coded('identity_changed'));
    await calls(again, 'lou@elm.example', other);
  });

  it('an identity that shows up behind the one the user was shown is not accepted in its place', async () => {
    const { bob } = await verify();
    await bob.close();
    const shown: string[] = [];
    alice.on('identity-changed', (_, fingerprint) => shown.push(fingerprint));
    const another = async (): Promise<VollyClient> => {
      world.bridge.plant(parseMemberId(BOB), []);
      const one = await world.client({ member: BOB });
      await world.settle();
      await one.call(ALICE, { pc: pc() });
      await world.settle();
      await one.close();
      return one;
    };
    // Bob's new phone, which he read the fingerprint from; then what the bridge would like to have accepted.
    await another();
    await another();
    assert.equal(new Set(shown).size, 2);
    const [honest, hostile] = shown as [string, string];
    await assert.rejects(alice.acceptIdentity(BOB, honest), coded('identity_changed'));
    await assert.rejects(alice.acceptIdentity('carol@maple.example', honest), coded('identity_changed'));
    assert.ok(alice.isVerified(BOB), 'nothing was changed by it');
    await alice.acceptIdentity(BOB, hostile);
    assert.equal(alice.isVerified(BOB), false);
  });

  it('another community key is accepted for its server as the one that was shown, and for the own server never', async () => {
    world.clock.jump(NOW - world.clock.now());
    const dana = await world.client({ member: 'dana@orchid.example' });
    const random = seededRandom(7);
    const calls = async (name: string, communitySeed: ReturnType<typeof random>) => {
      const legacy = makeLegacy(name, communitySeed);
      world.bridge.plant(legacy.member, [first(legacy).bundle]);
      await (await dana.call(name, { pc: pc(), allowLegacy: true })).hangUp();
    };
    const [old, fresh] = [random(64), random(64)];
    const shown: string[] = [];
    dana.on('identity-changed', (_, fingerprint) => shown.push(fingerprint));
    await calls('leo@maple.example', old);
    await assert.rejects(calls('lea@maple.example', fresh), coded('identity_changed'));
    await dana.acceptIdentity('lea@maple.example', shown[0] as string);
    await calls('lea@maple.example', fresh);
    await calls('leo@maple.example', fresh);
    await assert.rejects(calls('leo@maple.example', old), coded('identity_changed'));
    await assert.rejects(calls('lou@orchid.example', old), coded('identity_changed'));
    await assert.rejects(dana.acceptIdentity('lou@orchid.example', shown.at(-1) as string), coded('wrong_community'));
  });
});
