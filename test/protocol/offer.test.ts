import assert from 'node:assert/strict';
import { type Bytes, concat, toHex } from '../../src/bytes.ts';
import { compositeSign } from '../../src/crypto/composite.ts';
import { type CallId, callIdBytes, newCallId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { openAnswer, sealAnswer } from '../../src/protocol/answer.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { checkOpeningTime, checkSender, type OpeningEnvelope, readOpening } from '../../src/protocol/check.ts';
import { decodeEnvelope, type EnvelopeOf, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { eraseOffer, openOffer, type SealOffer, sealOffer } from '../../src/protocol/offer.ts';
import type { Guard, OpenOpening } from '../../src/protocol/opening.ts';
import { sealSubscribe } from '../../src/protocol/presence.ts';
import { OfferReplayCache } from '../../src/protocol/replay.ts';
import { sealMessage } from '../../src/protocol/session.ts';
import { CONTEXT } from '../../src/protocol/suite.ts';
import { noteIdentity, pin } from '../../src/protocol/trust.ts';
import { code, flipped, PROVIDERS } from '../crypto/providers.ts';
import { AV, DATA, first, KINDS, makeLegacy, makePerson, NOW, openGuard, P, peerOf, random, ring, sdpOf } from './people.ts';

type Offer = EnvelopeOf<'app.volly.call.offer'>;
type Answer = EnvelopeOf<'app.volly.call.answer'>;

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');
const mallory = makePerson('mallory@a.example');

const sealed = (change: Partial<SealOffer> = {}) =>
  sealOffer(P, random, {
    ...{ device: first(alice).local, peer: peerOf(bob), callId: newCallId(random), sdp: AV.offer, policy: 'none', now: NOW },
    ...{ identity: first(alice).identity, ...change },
  });
const opened = (envelope: Offer, change: Partial<OpenOpening> = {}) =>
  openOffer(P, envelope, { device: first(bob).local, known: {}, guard: openGuard, now: NOW, ...change });
const refused = async (expected: string, envelope: Offer, change: Partial<OpenOpening> = {}) =>
  assert.rejects(opened(envelope, change), code(expected), expected);

/** The envelope with another header: `change` gets its decoded fields. */
function withHeader<T extends { header: Bytes }>(envelope: T, change: (fields: Cbor[]) => unknown): T {
  const fields = structuredClone(decodeCbor(envelope.header)) as Cbor[];
  change(fields);
  return { ...envelope, header: encodeCbor(fields) };
}

describe('Offer and answer of section 9', () => {
  for (const provider of PROVIDERS)
    it(`bring two devices to the same keys with ${provider.name}, over the wire form`, async () => {
      const offer = await sealOffer(provider, random, {
        ...{ device: first(alice).local, peer: peerOf(bob), callId: newCallId(random), sdp: AV.offer, policy: 'none' },
        ...{ now: NOW, identity: first(alice).identity },
      });
      const wire = decodeEnvelope(encodeEnvelope(offer.envelope)) as Offer;
      const got = await openOffer(provider, wire, { device: first(bob).local, known: {}, guard: openGuard, now: NOW });
      assert.equal(got.offer.sdp, AV.offer);
      assert.equal(got.offer.policy, 'none');
      assert.equal(got.offer.expires, NOW + 60_000);
      assert.deepEqual(got.offer.identity.root, alice.uik);
      assert.deepEqual(got.leg.hash, offer.leg.hash);
      assert.deepEqual(got.session.keys[0]?.send, offer.session.keys[0]?.receive);
      const answer = await sealAnswer(provider, random, {
        ...{ device: first(bob).local, leg: got.leg, session: got.session, sdp: AV.answer, policy: 'required', now: NOW },
      });
      const answerWire = decodeEnvelope(encodeEnvelope(answer.envelope)) as Answer;
      const end = await openAnswer(provider, answerWire, { leg: offer.leg, session: offer.session, now: NOW });
      assert.equal(end.sdp, AV.answer);
      assert.equal(end.policy, 'required');
      const [caller, callee] = [end.session, answer.session];
      assert.deepEqual(caller.keys[1]?.send, callee.keys[1]?.receive);
      assert.deepEqual(caller.keys[1]?.receive, callee.keys[1]?.send);
      assert.deepEqual(caller.keys[1]?.sframe?.send, callee.keys[1]?.sframe?.receive);
      assert.deepEqual(caller.keys[1]?.next, callee.keys[1]?.next);
      assert.deepEqual(caller.mac, callee.mac);
      assert.notDeepEqual(caller.keys[1]?.send, caller.keys[1]?.receive);
    });

  it('are one size for audio, video and data', async () => {
    const sizes = new Set<string>();
    for (const kind of KINDS) {
      const sdps = sdpOf('chromium-156', kind);
      const offer = await sealed({ sdp: sdps.offer });
      const got = await opened(offer.envelope);
      const answer = await sealAnswer(P, random, {
        ...{ device: first(bob).local, leg: got.leg, session: got.session, sdp: sdps.answer, policy: 'none', now: NOW },
      });
      sizes.add(`${offer.envelope.sealed.length} ${answer.envelope.sealed.length}`);
    }
    assert.deepEqual([...sizes], ['3088 2064']);
  });

  it('need no identity from a device that is known', async () => {
    const { envelope } = await sealed();
    const { identity: _, ...bare } = envelope;
    await refused('not_in_list', bare);
    const known = noteIdentity(pin({}, peerOf(alice).identity), first(alice).local.dikHash, first(alice).identity);
    assert.equal((await opened(bare, { known })).offer.from.member, alice.member);
  });

  it('work with a legacy peer on either side', async () => {
    const carol = makeLegacy('carol@c.example');
    const to = await sealed({ peer: peerOf(carol) });
    await opened(to.envelope, { device: first(carol).local });
    const from = await sealed({ device: first(carol).local, identity: first(carol).identity });
    assert.equal((await opened(from.envelope)).offer.identity.kind, 'legacy');
    await refused('downgrade', from.envelope, { known: pin({}, peerOf(alice).identity) });
  });

  it('are not sealed with candidates, a wrong answer or a weaker policy', async () => {
    await assert.rejects(sealed({ sdp: `${AV.offer}a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n` }), code('bad_sdp'));
    const offer = await sealed({ policy: 'required' });
    const { leg, session } = await opened(offer.envelope);
    const answer = { device: first(bob).local, leg, session, sdp: AV.answer, policy: 'required' as const, now: NOW };
    await assert.rejects(sealAnswer(P, random, { ...answer, sdp: DATA.answer }), code('bad_sdp'));
    await assert.rejects(sealAnswer(P, random, { ...answer, policy: 'none' }), code('downgrade'));
    await sealAnswer(P, random, answer);
  });

  it('refuse a weaker policy of a callee that does not keep to it', async () => {
    const offer = await sealed({ policy: 'required' });
    const { leg, session } = await opened(offer.envelope);
    const lying = { ...leg, policy: 'none' as const };
    const answer = await sealAnswer(P, random, {
      ...{ device: first(bob).local, leg: lying, session, sdp: AV.answer, policy: 'none', now: NOW },
    });
    const open = openAnswer(P, answer.envelope, { leg: offer.leg, session: offer.session, now: NOW });
    await assert.rejects(open, code('downgrade'));
  });

  it('R11 refuse an answer with other sections of a callee that does not keep to it', async () => {
    const { caller, callee } = await ring(alice, bob);
    const lying = { ...callee, leg: { ...callee.leg, sdp: DATA.offer } };
    const answer = await sealAnswer(P, random, {
      device: first(bob).local,
      ...lying,
      sdp: DATA.answer,
      policy: 'none',
      now: NOW,
    });
    await assert.rejects(openAnswer(P, answer.envelope, { ...caller, now: NOW }), code('bad_sdp'));
  });

  it('erase the one-time keys once the answer is there', async () => {
    const { caller, callee } = await ring(alice, bob);
    const answer = await sealAnswer(P, random, { device: first(bob).local, ...callee, sdp: AV.answer, policy: 'none', now: NOW });
    assert(callee.leg.psk.every((byte) => byte === 0));
    await openAnswer(P, answer.envelope, { ...caller, now: NOW });
    for (const secret of [caller.leg.seed, caller.leg.psk]) assert(secret.every((byte) => byte === 0));
    const lost = await sealed();
    eraseOffer(lost.leg);
    for (const secret of [lost.leg.seed, lost.leg.psk]) assert(secret.every((byte) => byte === 0));
  });

  it('leave a leg as it was when a forged answer comes first', async () => {
    const { caller, callee } = await ring(alice, bob);
    const { envelope } = await sealAnswer(P, random, {
      device: first(bob).local,
      ...callee,
      sdp: AV.answer,
      policy: 'none',
      now: NOW,
    });
    const open = (forged: Answer, now = NOW) => openAnswer(P, forged, { ...caller, now });
    await assert.rejects(open({ ...envelope, signature: flipped(envelope.signature, 0) as Bytes }), code('bad_signature'));
    await assert.rejects(open({ ...envelope, sealed: flipped(envelope.sealed, 0) as Bytes }), code('bad_signature'));
    await assert.rejects(open(withHeader(envelope, (fields) => fields.splice(2, 1, 0))), code('wrong_type'));
    await assert.rejects(open(withHeader(envelope, (fields) => fields.splice(3, 1, random(16)))), code('unknown_call'));
    await assert.rejects(open(withHeader(envelope, (fields) => fields.splice(6, 1, 1))), code('bad_encoding'));
    await assert.rejects(
      open(withHeader(envelope, (fields) => (fields[4] as Cbor[]).splice(4, 1, random(32)))),
      code('wrong_sender'),
    );
    await assert.rejects(open(withHeader(envelope, (fields) => (fields[5] as Cbor[]).splice(3, 1, 1))), code('wrong_recipient'));
    const ofAnother = (fields: Cbor[]) => fields.splice(2, 2, 0, random(16));
    await assert.rejects(open(withHeader(envelope, ofAnother)), code('unknown_call'));
    await assert.rejects(open({ ...envelope, sealed: new Uint8Array(30_000) }), code('too_large'));
    await assert.rejects(open({ ...envelope, quantum_key: envelope.quantum_key.slice(1) }), code('bad_encoding'));
    await assert.rejects(open({ ...envelope, signature: envelope.signature.slice(1) }), code('bad_encoding'));
    await assert.rejects(open(envelope, NOW + 30_001), code('expired'));
    await assert.rejects(open(envelope, NOW - 30_001), code('clock_skew'));
    await open(envelope);
  });
});

describe('What a receiver refuses, in the order of section 12', () => {
  const trace: string[] = [];
  const guard: Guard = {
    checkReplay: () => void trace.push('replay'),
    checkRate: () => void trace.push('rate'),
    record: () => void trace.push('record'),
  };
  beforeEach(() => void trace.splice(0));

  it('asks the guard between the header and the signature, and records what verified before it opens', async () => {
    const { envelope } = await sealed();
    await opened(envelope, { guard });
    assert.deepEqual(trace.splice(0), ['replay', 'rate', 'record']);
    await refused('bad_signature', { ...envelope, signature: flipped(envelope.signature, 5) as Bytes }, { guard });
    assert.deepEqual(trace.splice(0), ['replay', 'rate']);
    await refused('clock_skew', envelope, { guard, now: NOW - 30_001 });
    assert.deepEqual(trace, []);
  });

  it('lets no second copy in between', async () => {
    const { envelope } = await sealed();
    const seen = new Set<string>();
    const once: Guard = {
      ...guard,
      checkReplay: ({ enc }) => assert(!seen.has(enc)),
      record: async ({ enc }) => void seen.add(enc),
    };
    const results = await Promise.allSettled([opened(envelope, { guard: once }), opened(envelope, { guard: once })]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
  });

  it('R14 opens one offer once, also after a restart', async () => {
    const { envelope } = await sealed();
    const guardOf = (cache: OfferReplayCache): Guard => ({
      checkReplay: (keys) => cache.check(keys, NOW),
      checkRate() {},
      record: (keys) => cache.record(keys, NOW),
    });
    const cache = new OfferReplayCache();
    await opened(envelope, { guard: guardOf(cache) });
    for (const later of [cache, new OfferReplayCache(cache.snapshot())])
      await refused('replayed', envelope, { guard: guardOf(later) });
    // What does not verify leaves no trace, and so cannot keep the true one out.
    const empty = new OfferReplayCache();
    await refused(
      'bad_signature',
      { ...envelope, signature: flipped(envelope.signature, 1) as Bytes },
      { guard: guardOf(empty) },
    );
    assert.equal(empty.snapshot().entries.length, 0);
    await opened(envelope, { guard: guardOf(empty) });
  });

  it('opens nothing when recording fails', async () => {
    const { envelope } = await sealed();
    await assert.rejects(
      opened(envelope, { guard: { ...guard, record: () => Promise.reject(new RangeError('disk')) } }),
      RangeError,
    );
  });

  it('names in the replay keys the key, the call and the device', async () => {
    const callId: CallId = newCallId(random);
    const { envelope } = await sealed({ callId });
    await opened(envelope, {
      guard: {
        ...guard,
        checkReplay: (keys) => {
          assert.equal(keys.call, toHex(first(alice).local.dikHash) + toHex(callIdBytes(callId)));
          assert.equal(keys.sender, alice.member);
          assert.equal(keys.sentTs, NOW);
        },
        checkRate: (from) => assert.equal(from, parseDeviceAddress('alice@a.example/PHONE')),
      },
    });
  });

  it('1 and 2: sizes and shapes', async () => {
    const { envelope } = await sealed();
    await refused('too_large', { ...envelope, sealed: new Uint8Array(24_593) });
    await refused('too_large', { ...envelope, header: new Uint8Array(2_049) });
    await refused('bad_encoding', { ...envelope, quantum_key: new Uint8Array(1_119) });
    await refused('bad_encoding', { ...envelope, signature: new Uint8Array(3_372) });
    await refused('bad_encoding', { ...envelope, header: Uint8Array.of(0xa0) });
    await refused(
      'unknown_suite',
      withHeader(envelope, (fields) => fields.splice(0, 1, 'volly-pq-0')),
    );
    await refused(
      'wrong_type',
      withHeader(envelope, (fields) => fields.splice(1, 1, 'app.volly.call.answer')),
    );
    await refused(
      'wrong_type',
      withHeader(envelope, (fields) => fields.splice(2, 1, 1)),
    );
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => fields.splice(2, 1, 2)),
    );
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => fields.splice(6, 1, 1)),
    );
    // Only `to` is a target.
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => (fields[4] as Cbor[]).push(new Uint8Array(32))),
    );
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => fields.splice(7, 1, 1)),
    );
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => (fields[5] as Cbor[]).pop()),
    );
    await refused(
      'bad_encoding',
      withHeader(envelope, (fields) => fields.splice(9, 1, 60_001)),
    );
    await refused('wrong_sender', { ...envelope, from: parseDeviceAddress('alice@a.example/OTHER') });
    await refused('wrong_recipient', { ...envelope, to: parseDeviceAddress('bob@b.example/OTHER') });
  });

  it('3: what is for another member, device, identity, list or prekey', async () => {
    const { envelope } = await sealed();
    const mine = first(bob).local;
    for (const device of [
      first(mallory).local,
      { ...mine, device: first(alice).local.device.replace('PHONE', 'DESK') as typeof mine.device },
      { ...mine, uikHash: random(32) },
      { ...mine, dikHash: random(32) },
      { ...mine, listVersion: mine.listVersion - 1 },
      { ...mine, prekeys: [] },
    ])
      await refused('wrong_recipient', envelope, { device });
    await opened(envelope, { device: { ...mine, listVersion: mine.listVersion + 1 } });
  });

  it('4: what is too old or from the future', async () => {
    const { envelope } = await sealed();
    await opened(envelope, { now: NOW + 60_000 });
    await refused('expired', envelope, { now: NOW + 60_001 });
    await opened(envelope, { now: NOW - 30_000 });
    await refused('clock_skew', envelope, { now: NOW - 30_001 });
    await refused('expired', (await sealed({ lifetime: 1_000 })).envelope, { now: NOW + 1_001 });
  });

  it('R6 7: what another device or member claims to be', async () => {
    // Mallory seals with her own keys under Alice's name, beside Alice's identity and beside her own.
    const mask = { ...first(mallory).local, member: alice.member };
    await refused('wrong_sender', (await sealed({ device: mask, identity: first(alice).identity })).envelope);
    await refused('wrong_sender', (await sealed({ device: mask, identity: first(mallory).identity })).envelope);
    // Alice's hashes over Mallory's key.
    const thief = { ...first(alice).local, sign: first(mallory).local.sign };
    await refused('bad_signature', (await sealed({ device: thief })).envelope);
    // A true device under another's name in the same list.
    const pair = makePerson('pair@a.example', ['DESK', 'PHONE']);
    const [desk, phone] = pair.devices as [(typeof pair.devices)[0], (typeof pair.devices)[0]];
    const renamed = { ...desk.local, device: phone.local.device };
    await refused('not_in_list', (await sealed({ device: renamed, identity: desk.identity })).envelope);
    const newer = { ...desk.local, listVersion: desk.local.listVersion + 1 };
    await refused('stale_list', (await sealed({ device: newer, identity: desk.identity })).envelope);
  });

  it('R6 7: another identity than the pinned one, an older list, an expired one', async () => {
    const impostor = makePerson('alice@a.example');
    const known = pin({}, peerOf(alice).identity);
    const { envelope } = await sealed({ device: first(impostor).local, identity: first(impostor).identity });
    await opened(envelope);
    await refused('identity_changed', envelope, { known });
    const newer = { ...known, newest: { ...(known.newest as NonNullable<typeof known.newest>), version: NOW + 1 } };
    await refused('stale_list', (await sealed()).envelope, { known: newer });
    const later = NOW + LIMITS.deviceListLifeMs + 1;
    await refused('expired', (await sealed({ now: later })).envelope, { now: later });
  });

  it('9: what was sealed to another key of ours', async () => {
    const { envelope } = await sealed();
    const [prekey] = first(bob).local.prekeys;
    const wrong = [{ ...(prekey as NonNullable<typeof prekey>), seed: random(32) }];
    await refused('open_failed', envelope, { device: { ...first(bob).local, prekeys: wrong } });
  });

  it('lets whoever has no key of ours check all but what is sealed', async () => {
    const { envelope } = await sealed();
    const options = { known: {}, now: NOW };
    assert.equal(checkSender(P, readOpening(envelope), options).member, alice.member);
    const forged = { ...envelope, sealed: flipped(envelope.sealed, 0) as Bytes };
    assert.throws(() => checkSender(P, readOpening(forged), options), code('bad_signature'));
    assert.throws(() => checkOpeningTime(readOpening(envelope), NOW + 60_001), code('expired'));
  });
});

describe('Messages that are not what they are passed off as', () => {
  it('R4 what was sealed as one type or direction does not open as another', async () => {
    const offer = await sealed();
    const subscribe = await sealSubscribe(P, random, {
      ...{ device: first(alice).local, peer: peerOf(bob), now: NOW, identity: first(alice).identity },
    });
    const asOffer = { ...subscribe, type: 'app.volly.call.offer' } as unknown as Offer;
    // As it stands, the types differ. With the header mended, the signature covers it.
    await refused('wrong_type', asOffer);
    const mended = withHeader(asOffer, (fields) => {
      fields.splice(1, 1, 'app.volly.call.offer');
      fields.splice(9, 1, 60_000);
    });
    await refused('bad_signature', mended);
    // Signed anew by a sender who would, info and AAD of the seal still name the other type.
    const sign = (envelope: Offer, context: string) =>
      compositeSign(P, first(alice).local.dikSeed, concat(envelope.header, envelope.quantum_key, envelope.sealed), context);
    await refused('bad_signature', { ...mended, signature: sign(mended, CONTEXT.subscribe) });
    await refused('open_failed', { ...mended, signature: sign(mended, CONTEXT.offer) });
    const grant = withHeader({ ...subscribe, type: 'app.volly.presence.grant' } as unknown as OpeningEnvelope, (fields) =>
      fields.splice(1, 1, 'app.volly.presence.grant'),
    );
    assert.throws(() => checkSender(P, readOpening(grant), { known: {}, now: NOW }), code('bad_signature'));
    const got = await opened(offer.envelope);
    const ringing = sealMessage(P, random, got.session, { type: 'ringing' }, NOW).envelope;
    await refused('wrong_type', { ...offer.envelope, header: ringing.header });
  });

  it('R12 removing the PQ suite or its key from an offer fails the call', async () => {
    const { envelope } = await sealed();
    for (const suite of ['volly-x25519-0', '', 'volly-pq-1 '])
      await refused(
        'unknown_suite',
        withHeader(envelope, (fields) => fields.splice(0, 1, suite)),
      );
    const { quantum_key: _, ...classical } = JSON.parse(encodeEnvelope(envelope)) as Record<string, unknown>;
    assert.throws(() => decodeEnvelope(JSON.stringify(classical)), code('bad_encoding'));
    // Only the X25519 part left, and the ML-KEM part of another offer.
    await refused('bad_encoding', { ...envelope, quantum_key: envelope.quantum_key.slice(1088) });
    const other = await sealed();
    const mixed = envelope.quantum_key.slice();
    mixed.set(other.envelope.quantum_key.subarray(0, 1088));
    await refused('bad_signature', { ...envelope, quantum_key: mixed });
  });

  it('R13 swapped keys, prekeys, call ids and recipients fail to open', async () => {
    const [one, two] = [await sealed(), await sealed()];
    await refused('bad_signature', { ...one.envelope, quantum_key: two.envelope.quantum_key });
    await refused('bad_signature', { ...one.envelope, sealed: two.envelope.sealed });
    await refused('bad_signature', { ...one.envelope, header: two.envelope.header });
    await refused('bad_signature', { ...one.envelope, signature: two.envelope.signature });
    await refused(
      'bad_signature',
      withHeader(one.envelope, (fields) => fields.splice(3, 1, random(16))),
    );
    await refused(
      'wrong_recipient',
      withHeader(one.envelope, (fields) => (fields[5] as Cbor[]).splice(5, 1, random(32))),
    );
    // To Mallory, re-addressed by whoever holds it: her device does not take it, and Bob's device takes none that was hers.
    const toBob = one.envelope;
    await refused('wrong_recipient', toBob, { device: first(mallory).local });
    const toMallory = await sealed({ peer: peerOf(mallory) });
    const bobs = decodeCbor(toBob.header) as Cbor[];
    const readdressed = withHeader({ ...toMallory.envelope, to: toBob.to }, (fields) => fields.splice(5, 1, bobs[5] as Cbor));
    await refused('bad_signature', readdressed);
    // A sender who signs it all anew still did not seal it to this header or key.
    const target = { ...peerOf(mallory), target: peerOf(bob).target };
    await refused('open_failed', (await sealed({ peer: target })).envelope);
  });

  it('R13 an answer opens for its own offer only', async () => {
    const [one, two] = [await ring(alice, bob), await ring(alice, bob)];
    const answer = await sealAnswer(P, random, {
      ...{ device: first(bob).local, ...one.callee, sdp: AV.answer, policy: 'none', now: NOW },
    });
    await assert.rejects(openAnswer(P, answer.envelope, { ...two.caller, now: NOW }), code('unknown_call'));
    for (const swap of [{ seed: two.caller.leg.seed }, { psk: two.caller.leg.psk }, { hash: two.caller.leg.hash }]) {
      const leg = { ...one.caller.leg, ...swap };
      await assert.rejects(openAnswer(P, answer.envelope, { ...one.caller, leg, now: NOW }), code('open_failed'));
    }
    const stranger = { ...one.caller.leg, dik: first(mallory).dik };
    await assert.rejects(openAnswer(P, answer.envelope, { ...one.caller, leg: stranger, now: NOW }), code('bad_signature'));
  });
});
