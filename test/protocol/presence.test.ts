import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { newCallId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { type Grant, openGrant, openSubscribe, sealGrant, sealSubscribe } from '../../src/protocol/presence.ts';
import {
  openUpdate,
  PRESENCE,
  type PresenceReceiver,
  type PresenceSender,
  type PresenceState,
  readUpdate,
  sealUpdate,
  startPresence,
} from '../../src/protocol/presence-update.ts';
import { code, flipped } from '../crypto/providers.ts';
import { first, makePerson, NOW, openGuard, P, peerOf, random } from './people.ts';

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');
const { identity } = first(alice);
const toBob = { device: first(alice).local, peer: peerOf(bob), now: NOW, identity };
const atBob = { device: first(bob).local, known: {}, guard: openGuard, now: NOW };

async function granted(number = 1): Promise<{ granter: Grant; contact: Grant }> {
  const { envelope, grant } = await sealGrant(P, random, { ...toBob, number });
  const opened = await openGrant(P, envelope, { ...atBob, newest: number - 1 });
  return { granter: grant, contact: opened.grant };
}

describe('Subscribe and grant of section 13', () => {
  it('tell who asks, for 7 days', async () => {
    const envelope = await sealSubscribe(P, random, toBob);
    const { from, identity: who } = await openSubscribe(P, envelope, atBob);
    assert.equal(from.member, alice.member);
    assert.deepEqual(who.root, alice.uik);
    await openSubscribe(P, envelope, { ...atBob, now: NOW + LIMITS.grantLifeMs });
    await assert.rejects(openSubscribe(P, envelope, { ...atBob, now: NOW + LIMITS.grantLifeMs + 1 }), code('expired'));
  });

  it('give both sides one key and the same parties', async () => {
    const { granter, contact } = await granted();
    assert.deepEqual(contact, granter);
    assert.equal(granter.granter.member, alice.member);
    assert.equal(granter.contact.member, bob.member);
    assert.equal(granter.expires, NOW + LIMITS.grantLifeMs);
  });

  it('refuse a grant whose number is not above the newest', async () => {
    const { envelope } = await sealGrant(P, random, { ...toBob, number: 4 });
    await openGrant(P, envelope, { ...atBob, newest: 3 });
    for (const newest of [4, 5]) await assert.rejects(openGrant(P, envelope, { ...atBob, newest }), code('replayed'));
  });

  it('R4 do not open as each other', async () => {
    const subscribe = await sealSubscribe(P, random, toBob);
    const as = { ...subscribe, type: 'app.volly.presence.grant' as const };
    await assert.rejects(openGrant(P, as, { ...atBob, newest: 0 }), code('wrong_type'));
    const header = encodeCbor((decodeCbor(subscribe.header) as Cbor[]).with(1, as.type));
    await assert.rejects(openGrant(P, { ...as, header }, { ...atBob, newest: 0 }), code('bad_signature'));
  });
});

describe('Updates of section 13', () => {
  const lifetime = 120_000;
  const seal = (sender: PresenceSender, state: PresenceState = 'online', now = NOW) =>
    sealUpdate(P, random, sender, { state, now, lifetime });

  it('carry each state in 64 bytes and its tag', async () => {
    const { granter, contact } = await granted();
    let sender = startPresence(random, granter, NOW);
    let receiver: PresenceReceiver = { grant: contact };
    for (const state of PRESENCE) {
      const sent = seal(sender, state);
      const got = openUpdate(P, sent.envelope, receiver, NOW);
      assert.equal(got.state, state);
      assert.equal(got.expires, NOW + lifetime);
      assert.equal(sent.envelope.sealed.length, 80);
      assert.equal(readUpdate(sent.envelope).grant, contact.id);
      [sender, receiver] = [sent.sender, got.receiver];
    }
  });

  it('are refused a second time and after a newer one', async () => {
    const { granter, contact } = await granted();
    const one = seal(startPresence(random, granter, NOW));
    const two = seal(one.sender);
    const { receiver } = openUpdate(P, two.envelope, { grant: contact }, NOW);
    for (const old of [one, two]) assert.throws(() => openUpdate(P, old.envelope, receiver, NOW), code('replayed'));
  });

  it('begin again with each app start, and an older start or another of the same time is refused', async () => {
    const { granter, contact } = await granted();
    const [older, newer, twin] = [NOW, NOW + 1, NOW + 1].map((started) => seal(startPresence(random, granter, started)).envelope);
    const before = openUpdate(P, older as NonNullable<typeof older>, { grant: contact }, NOW).receiver;
    const { receiver } = openUpdate(P, newer as NonNullable<typeof newer>, before, NOW);
    assert.equal(receiver.newest?.seq, 0);
    for (const old of [older, twin])
      assert.throws(() => openUpdate(P, old as NonNullable<typeof old>, receiver, NOW), code('replayed'));
  });

  it('never use a key and number twice', async () => {
    const { granter } = await granted();
    const sender = startPresence(random, granter, NOW);
    seal(sender);
    assert.throws(() => seal(sender), TypeError);
    const [one, two] = [startPresence(random, granter, NOW), startPresence(random, granter, NOW)];
    assert.notDeepEqual(one.salt, two.salt);
  });

  it('are refused past their life, from the future, under another grant, or damaged', async () => {
    const { granter, contact } = await granted();
    const { envelope } = seal(startPresence(random, granter, NOW));
    const open = (change: object = {}, now = NOW, grant: Grant = contact) =>
      openUpdate(P, { ...envelope, ...change }, { grant }, now);
    assert.throws(() => open({}, NOW + lifetime + 1), code('expired'));
    assert.throws(() => open({}, NOW - 30_001), code('clock_skew'));
    assert.throws(() => open({}, NOW, { ...contact, expires: NOW - 1 }), code('expired'));
    assert.throws(() => open({}, NOW, { ...contact, id: newCallId(random) }), code('unknown_call'));
    assert.throws(() => open({}, NOW, { ...contact, key: random(32) }), code('open_failed'));
    assert.throws(() => open({ from: parseDeviceAddress('eve@a.example/PHONE') }), code('wrong_sender'));
    assert.throws(() => open({ to: parseDeviceAddress('eve@b.example/PHONE') }), code('wrong_recipient'));
    assert.throws(() => open({ sealed: flipped(envelope.sealed, 0) as Bytes }), code('open_failed'));
    const fields = decodeCbor(envelope.header) as Cbor[];
    assert.throws(() => open({ header: encodeCbor(fields.with(7, 300_001)) }), code('bad_encoding'));
    assert.throws(() => open({ header: encodeCbor(fields.with(7, 200_000)) }), code('open_failed'));
    assert.throws(() => open({ header: encodeCbor(fields.with(0, 'volly-pq-2')) }), code('unknown_suite'));
    assert.throws(() => open({ header: encodeCbor(fields.with(1, 'app.volly.hello')) }), code('wrong_type'));
    assert.throws(() => open({ header: new Uint8Array(2_049) }), code('too_large'));
    open();
  });
});
