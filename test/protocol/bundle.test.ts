import assert from 'node:assert/strict';
import { equal } from '../../src/bytes.ts';
import { compositePublicKey, compositeSign } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { xwingPublicKey } from '../../src/crypto/xwing.ts';
import { type DeviceId, newEnvelopeId, parseDeviceId, parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { checkBundle, decodeBundle, encodeBundle } from '../../src/protocol/bundle.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { decodeIdentity } from '../../src/protocol/identity.ts';
import { decodeLegacyStatement } from '../../src/protocol/legacy.ts';
import { type DeviceList, decodeList, encodeList, makeList, type Signed } from '../../src/protocol/list.ts';
import { decodePrekey, encodePrekey, type Prekey } from '../../src/protocol/prekey.ts';
import { answer, ask, expire, type Requests } from '../../src/protocol/requests.ts';
import { CONTEXT } from '../../src/protocol/suite.ts';
import { note, noteEpoch, pin } from '../../src/protocol/trust.ts';
import { code, flipped } from '../crypto/providers.ts';
import { type Device, first, makeLegacy, makePerson, NOW, P, peerOf, random } from './people.ts';

const bob = makePerson('bob@b.example', ['DESK', 'PHONE']);
const mallory = makePerson('mallory@m.example');
const carol = makeLegacy('carol@c.example');
const ask4 = (person: { member: typeof bob.member }, more: object = {}) => ({
  member: person.member,
  known: {},
  now: NOW,
  ...more,
});

/** Bob's list with some fields changed, signed by Bob's own key unless another is given. */
function listWith(change: Partial<DeviceList>, seed = bob.uikSeed): Signed {
  const bytes = encodeList({ ...decodeList(bob.list.bytes), ...change });
  return { bytes, signature: compositeSign(P, seed, bytes, CONTEXT.devlist) };
}

function prekeyWith(change: Partial<Prekey>, device: Device = first(bob)): Signed {
  const bytes = encodePrekey({ ...decodePrekey(device.prekey.bytes), ...change });
  return { bytes, signature: compositeSign(P, device.local.dikSeed, bytes, CONTEXT.prekey) };
}

const refusedBundle = (expected: string, bytes: Uint8Array, more: object = {}) =>
  assert.throws(() => checkBundle(P, bytes, ask4(bob, more)), code(expected));

describe('Device lists of section 5.2', () => {
  it('have a version above the one before, also when the clock went back, and name its hash', () => {
    const { member, uik, uikSeed } = bob;
    const entries = decodeList(bob.list.bytes).entries;
    const next = makeList(P, { member, uik, uikSeed, entries, now: NOW - 1000, previous: bob.list.bytes });
    assert.equal(decodeList(next.bytes).version, NOW + 1);
    assert.deepEqual(decodeList(next.bytes).prevHash, sha256(bob.list.bytes));
    assert.equal(decodeList(next.bytes).expires, NOW - 1000 + LIMITS.deviceListLifeMs);
  });

  it('are refused unsorted, with a device twice, empty, with 17 devices, or living longer than 30 days', () => {
    const list = decodeList(bob.list.bytes);
    const [desk, phone] = list.entries as [DeviceList['entries'][0], DeviceList['entries'][0]];
    const many = Array.from({ length: 17 }, (_, i) => ({ ...desk, device: parseDeviceId(`D${String(i).padStart(2, '0')}`) }));
    for (const change of [
      { entries: [phone, desk] },
      { entries: [desk, desk] },
      { entries: [] },
      { entries: many },
      { expires: list.issuedAt + LIMITS.deviceListLifeMs + 1 },
      { prevHash: new Uint8Array(31) },
      { uik: new Uint8Array(1983) },
    ])
      assert.throws(() => decodeList(encodeList({ ...list, ...change })), code('bad_encoding'));
    assert.equal(decodeList(encodeList({ ...list, entries: many.slice(1) })).entries.length, 16);
  });

  it('R8 are refused with a key of small order', () => {
    const uik = bob.uik.slice();
    uik.fill(0, 1952);
    assert.throws(() => decodeList(encodeList({ ...decodeList(bob.list.bytes), uik })), code('bad_key'));
  });
});

describe('Bundles of section 6', () => {
  it('give a device that can be called, with all that a header names', () => {
    const device = bob.devices[1] as Device;
    const peer = checkBundle(P, device.bundle, ask4(bob));
    const { member, device: id, uikHash, listVersion, dikHash, prekeys } = device.local;
    assert.deepEqual(peer.target, { member, device: id, uikHash, listVersion, dikHash, prekeyHash: prekeys[0]?.hash });
    assert.equal(peer.identity.kind, 'enhanced');
    assert.deepEqual(peer.identity.root, bob.uik);
  });

  it('R9 are refused under another member than was asked for', () => {
    assert.throws(() => checkBundle(P, first(mallory).bundle, ask4(bob)), code('wrong_sender'));
    const stolen = encodeBundle(bob.list, first(bob).dik, prekeyWith({ member: mallory.member }));
    refusedBundle('wrong_sender', stolen);
    // Mallory's own list that claims Bob's name is another identity for whoever has Bob pinned.
    const { uikSeed, uik } = mallory;
    const list = makeList(P, { member: bob.member, uik, uikSeed, entries: decodeList(mallory.list.bytes).entries, now: NOW });
    const prekey = prekeyWith({ member: bob.member }, first(mallory));
    refusedBundle('identity_changed', encodeBundle(list, first(mallory).dik, prekey), { known: { pin: sha256(bob.uik) } });
  });

  it('R7 a device without the UIK’s signature gets no offer', () => {
    // Mallory's device put into Bob's list by Mallory, who does not have Bob's key.
    const theirs = first(mallory);
    const entries = [{ device: theirs.local.device, dikHash: theirs.local.dikHash, notAfter: NOW + 1e9 }];
    const forged = listWith({ entries }, mallory.uikSeed);
    const prekey = prekeyWith({ member: bob.member, uikHash: sha256(bob.uik) }, theirs);
    refusedBundle('bad_signature', encodeBundle(forged, theirs.dik, prekey));
    refusedBundle('bad_signature', encodeBundle({ ...forged, signature: bob.list.signature }, theirs.dik, prekey));
    // And beside Bob's true list.
    refusedBundle('not_in_list', encodeBundle(bob.list, theirs.dik, prekey));
    // A true entry does not lend its name to another device's key.
    refusedBundle('not_in_list', encodeBundle(bob.list, (bob.devices[1] as Device).dik, prekeyWith({})));
  });

  it('R3 a device named as a key is spelt does not verify', () => {
    const theirs = first(mallory);
    const name = parseDeviceId('MFRGGZDFMZTWQ2LK');
    const entries = [{ device: name as DeviceId, dikHash: sha256(first(bob).dik), notAfter: NOW + 1e9 }];
    const list = listWith({ entries });
    const prekey = prekeyWith({ member: bob.member, device: name, uikHash: sha256(bob.uik) }, theirs);
    refusedBundle('not_in_list', encodeBundle(list, theirs.dik, prekey));
    assert.throws(() => parseDeviceId(Buffer.from(theirs.dik).toString('base64url')), code('bad_address'));
  });

  it('R12 are refused where the PQ suite is left out, and nothing weaker is tried', () => {
    refusedBundle('unknown_suite', encodeBundle(bob.list, first(bob).dik, prekeyWith({ suites: ['volly-x25519-0'] })));
    assert.throws(
      () => encodeBundle(bob.list, first(bob).dik, prekeyWith({ suites: [] })) && decodePrekey(prekeyWith({ suites: [] }).bytes),
      code('bad_encoding'),
    );
    // Whoever takes it out on the way breaks the signature.
    const bytes = encodePrekey({ ...decodePrekey(first(bob).prekey.bytes), suites: ['volly-x25519-0'] });
    refusedBundle('bad_signature', encodeBundle(bob.list, first(bob).dik, { ...first(bob).prekey, bytes }));
    checkBundle(P, encodeBundle(bob.list, first(bob).dik, prekeyWith({ suites: ['volly-pq-2', 'volly-pq-1'] })), ask4(bob));
  });

  it('are refused past the life of list, device or prekey', () => {
    const { expires, entries } = decodeList(bob.list.bytes);
    refusedBundle('expired', first(bob).bundle, { now: expires + 1 });
    const short = listWith({ entries: entries.map((entry) => ({ ...entry, notAfter: NOW - 1 })) });
    refusedBundle('expired', encodeBundle(short, first(bob).dik, first(bob).prekey));
    refusedBundle('expired', encodeBundle(bob.list, first(bob).dik, prekeyWith({ notAfter: NOW - 1 })));
    const lasting = prekeyWith({ notAfter: NOW + 15 * 86_400_000 + 1 });
    refusedBundle('clock_skew', encodeBundle(bob.list, first(bob).dik, lasting));
    const ahead = NOW + 86_400_001;
    refusedBundle(
      'clock_skew',
      encodeBundle(listWith({ issuedAt: ahead, expires: ahead + 1 }), first(bob).dik, first(bob).prekey),
    );
  });

  it('are refused with an older list, another of the same version, or an older prekey than was seen', () => {
    const known = pin({}, peerOf(bob).identity);
    const { version } = decodeList(bob.list.bytes);
    const withList = (list: Signed) => encodeBundle(list, first(bob).dik, first(bob).prekey);
    refusedBundle('stale_list', withList(listWith({ version: version - 1 })), { known });
    refusedBundle('stale_list', withList(listWith({ issuedAt: NOW - 1, expires: NOW })), { known });
    checkBundle(P, withList(listWith({ version: version + 1 })), ask4(bob, { known }));
    refusedBundle('replayed', first(bob).bundle, { known: noteEpoch(known, first(bob).local.dikHash, 2) });
    checkBundle(P, first(bob).bundle, ask4(bob, { known: noteEpoch(known, first(bob).local.dikHash, 1) }));
  });

  it('are refused with a prekey that another device signed, or that is under another identity', () => {
    const [desk, phone] = bob.devices as [Device, Device];
    const crossed = { ...desk.prekey, signature: phone.prekey.signature };
    refusedBundle('bad_signature', encodeBundle(bob.list, desk.dik, crossed));
    refusedBundle('wrong_sender', encodeBundle(bob.list, desk.dik, prekeyWith({ uikHash: sha256(mallory.uik) })));
  });

  it('R8 are refused with a malformed prekey', () => {
    const spk = decodePrekey(first(bob).prekey.bytes).spk;
    for (const bad of [spk.slice(), spk.slice()].map((copy, i) => copy.fill(i ? 0xff : 0, i ? 0 : 1184, i ? 3 : 1216)))
      refusedBundle('bad_key', encodeBundle(bob.list, first(bob).dik, prekeyWith({ spk: bad })));
    const dik = first(bob).dik.slice().fill(0, 1952);
    refusedBundle('bad_key', encodeBundle(bob.list, dik, first(bob).prekey));
  });

  it('are refused in any other shape', () => {
    const fields = decodeCbor(first(bob).bundle) as Cbor[];
    for (const shape of [[], fields.slice(1), [...fields, 0, 0], fields.with(0, 1), fields.with(1, new Uint8Array(3372)), 7])
      assert.throws(() => decodeBundle(encodeCbor(shape as Cbor)), code('bad_encoding'));
  });

  it('check a list once where the caller remembers it, whatever its signature', () => {
    const verified = new Set<string>();
    checkBundle(P, first(bob).bundle, ask4(bob, { verified }));
    assert.equal(verified.size, 1);
    const again = encodeBundle(
      { ...bob.list, signature: flipped(bob.list.signature, 9) as Signed['signature'] },
      first(bob).dik,
      first(bob).prekey,
    );
    checkBundle(P, again, ask4(bob, { verified }));
    refusedBundle('bad_signature', again);
  });
});

describe('Legacy members of section 16', () => {
  it('are called only where the app allows it', () => {
    assert.throws(() => checkBundle(P, first(carol).bundle, ask4(carol)), code('not_end_to_end'));
    const peer = checkBundle(P, first(carol).bundle, ask4(carol, { allowLegacy: true }));
    assert.equal(peer.identity.kind, 'legacy');
    assert.equal(peer.target.listVersion, 7);
    assert(equal(peer.target.uikHash, sha256(carol.uik)));
  });

  it('are a downgrade of a member whose UIK is pinned, and may become end to end encrypted', () => {
    const known = pin({}, peerOf(bob).identity);
    assert.throws(() => checkBundle(P, first(carol).bundle, ask4(carol, { known, allowLegacy: true })), code('downgrade'));
    const legacy = pin({}, peerOf(carol).identity);
    assert.deepEqual(legacy.communityPin, sha256(carol.uik));
    checkBundle(P, first(bob).bundle, ask4(bob, { known: legacy }));
  });

  it('are refused under another community key than the pinned one, and past their life', () => {
    const known = { communityPin: sha256(bob.uik) };
    assert.throws(() => checkBundle(P, first(carol).bundle, ask4(carol, { known, allowLegacy: true })), code('identity_changed'));
    const late = { now: decodeLegacyStatement(carol.list.bytes).expires + 1, allowLegacy: true };
    assert.throws(() => checkBundle(P, first(carol).bundle, ask4(carol, late)), code('expired'));
  });

  it('cannot be made from a device list or the other way round', () => {
    const list = encodeCbor([bob.list.bytes, bob.list.signature, first(bob).dik, bob.uik]);
    assert.throws(() => decodeIdentity(list), code('bad_encoding'));
    const statement = encodeCbor([carol.list.bytes, carol.list.signature, first(carol).dik]);
    assert.throws(() => decodeIdentity(statement), code('bad_encoding'));
  });
});

describe('Key queries of section 6', () => {
  const request = newEnvelopeId(random);
  const from = bob.member;
  const bundle = (index: number, count: number, change: Partial<EnvelopeOf<'app.volly.keys.bundle'>> = {}) =>
    ({
      ...{ id: newEnvelopeId(random), type: 'app.volly.keys.bundle', from, to: 'alice@a.example/PHONE', expires: NOW },
      ...{ request, index, count, ...(count > 0 && { bundle: Uint8Array.of(index) }), ...change },
    }) as EnvelopeOf<'app.volly.keys.bundle'>;
  const asked = ask(new Map(), request, from, NOW);

  it('end when all bundles have come, in any order and twice', () => {
    let state: Requests = asked;
    for (const index of [2, 0, 2]) {
      const next = answer(state, bundle(index, 3), NOW);
      assert.equal(next.answered, undefined);
      state = next.requests;
    }
    const { requests, answered } = answer(state, bundle(1, 3), NOW);
    assert.deepEqual(answered, { request, member: from, bundles: [0, 1, 2].map((i) => Uint8Array.of(i)), complete: true });
    assert.equal(requests.size, 0);
    assert.equal(asked.size, 1);
  });

  it('end with nothing where there is no such member', () => {
    assert.deepEqual(answer(asked, bundle(0, 0), NOW).answered?.bundles, []);
  });

  it('R5 take a bundle only for a request that is outstanding', () => {
    assert.throws(() => answer(new Map(), bundle(0, 1), NOW), code('forbidden_in_state'));
    assert.throws(() => answer(asked, bundle(0, 1, { request: newEnvelopeId(random) }), NOW), code('forbidden_in_state'));
    const { requests } = answer(asked, bundle(0, 1), NOW);
    assert.throws(() => answer(requests, bundle(0, 1), NOW), code('forbidden_in_state'));
    assert.throws(() => answer(asked, bundle(0, 1), NOW + LIMITS.keysWaitMs + 1), code('forbidden_in_state'));
  });

  it('R9 take a bundle only from the member that was asked', () => {
    for (const other of ['mallory@m.example', 'bob@m.example', 'mallory@b.example'])
      assert.throws(() => answer(asked, bundle(0, 1, { from: parseMemberId(other) }), NOW), code('wrong_sender'));
  });

  it('refuse answers that contradict each other', () => {
    const { requests } = answer(asked, bundle(0, 2), NOW);
    assert.throws(() => answer(requests, bundle(0, 3), NOW), code('bad_encoding'));
    assert.throws(() => answer(requests, bundle(2, 2), NOW), code('bad_encoding'));
    assert.throws(() => answer(asked, bundle(0, 0, { bundle: Uint8Array.of(1) }), NOW), code('bad_encoding'));
    assert.throws(() => answer(asked, bundle(1, 0), NOW), code('bad_encoding'));
    const { bundle: _, ...empty } = bundle(0, 1);
    assert.throws(() => answer(asked, empty, NOW), code('bad_encoding'));
  });

  it('end 5 s after the first that came, and with nothing after 26 s', () => {
    const first = NOW + 20_000;
    const { requests } = answer(asked, bundle(1, 3), first);
    const again = answer(requests, bundle(2, 3), first + LIMITS.bundleWaitMs - 1).requests;
    assert.equal(again.get(request)?.until, first + LIMITS.bundleWaitMs, 'the first alone counts');
    assert.equal(answer(asked, bundle(1, 2), NOW + 25_000).requests.get(request)?.until, NOW + LIMITS.keysWaitMs);
    assert.deepEqual(expire(asked, NOW + LIMITS.keysWaitMs + 1).answered, [
      { request, member: from, bundles: [], complete: false },
    ]);
    assert.equal(expire(requests, first + LIMITS.bundleWaitMs).requests, requests);
    const over = expire(requests, first + LIMITS.bundleWaitMs + 1);
    assert.deepEqual(over.answered, [{ request, member: from, bundles: [Uint8Array.of(1)], complete: false }]);
    assert.equal(over.requests.size, 0);
  });
});

describe('Prekeys of section 5.3', () => {
  it('open what is sealed to their public key', () => {
    const { prekeys } = first(bob).local;
    assert.deepEqual(decodePrekey(first(bob).prekey.bytes).spk, xwingPublicKey(P, prekeys[0]?.seed as Uint8Array));
    assert.deepEqual(prekeys[0]?.hash, sha256(first(bob).prekey.bytes));
    assert.equal(decodePrekey(first(bob).prekey.bytes).notAfter, NOW + LIMITS.prekeyLifeMs);
  });

  it('of a key nobody pinned leave no trace', () => {
    const { identity } = peerOf(bob);
    assert.deepEqual(note({}, identity), {});
    assert.deepEqual(note({ pin: sha256(mallory.uik) }, identity), { pin: sha256(mallory.uik) });
    assert.deepEqual(compositePublicKey(P, bob.uikSeed), bob.uik);
  });
});
