/** Replays test/vectors/volly-pq-1.json from its own bytes, with both providers, as a second implementation would. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Bytes, fromUtf8, toHex } from '../../src/bytes.ts';
import { aeadKey } from '../../src/crypto/aead.ts';
import { compositePublicKey, compositeSigner, compositeVerify } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { noble } from '../../src/crypto/noble.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { xwingPublicKey } from '../../src/crypto/xwing.ts';
import { type CallId, callIdFromBytes, parseDeviceId, parseMemberId } from '../../src/ids.ts';
import { openAnswer } from '../../src/protocol/answer.ts';
import { decodeBody } from '../../src/protocol/body.ts';
import { checkBundle } from '../../src/protocol/bundle.ts';
import { checkCandidate } from '../../src/protocol/candidate.ts';
import { decodeCbor } from '../../src/protocol/cbor.ts';
import type { LocalDevice } from '../../src/protocol/device.ts';
import { type EnvelopeOf, parseEnvelope } from '../../src/protocol/envelope.ts';
import { partyOf } from '../../src/protocol/header.ts';
import { decodeList } from '../../src/protocol/list.ts';
import { type CallerLeg, openOffer } from '../../src/protocol/offer.ts';
import { decodePrekey } from '../../src/protocol/prekey.ts';
import { openGrant, openSubscribe } from '../../src/protocol/presence.ts';
import { openUpdate, type PresenceReceiver } from '../../src/protocol/presence-update.ts';
import { checkSdp } from '../../src/protocol/sdp.ts';
import { answered, newSession, type Session } from '../../src/protocol/session.ts';
import { epochKeys, type Role } from '../../src/protocol/session-keys.ts';
import type { MessageEnvelope } from '../../src/protocol/session-messages.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import { CONTEXT } from '../../src/protocol/suite.ts';
import { safetyNumber } from '../../src/protocol/trust.ts';
import { code, PROVIDERS } from '../crypto/providers.ts';
import { hex } from '../support/vectors.ts';
import { openGuard } from './people.ts';

type Json = Record<string, string>;
interface Said {
  readonly from: Role;
  readonly message: { readonly type: string; readonly description?: string };
  readonly envelope: Json;
}
interface Vectors {
  readonly now: number;
  readonly members: Record<'alice' | 'bob' | 'carol', Json & { list_version: number }>;
  readonly safety_number: { readonly number: string };
  readonly call: {
    readonly offer: Json & { envelope: Json; exports: Json };
    readonly answer: Json & { envelope: Json; exports: Json };
    readonly messages: readonly Said[];
    readonly rekey: Json & { envelope: Json; exports: Json; messages_after: readonly Said[] };
  };
  readonly presence: {
    readonly subscribe: { envelope: Json };
    readonly grant: { key: string; envelope: Json };
    readonly updates: readonly { state: string; envelope: Json }[];
  };
  readonly must_fail: readonly { as: string; why: string; code: string; input: string & Json; now?: number; pin?: string }[];
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../vectors/volly-pq-1.json', import.meta.url), 'utf8'));
const { members, call, presence, now } = vectors;
const guard = openGuard;
const envelope = <T>(value: object): T => parseEnvelope(value) as T;

function localOf(person: Json & { list_version: number }): LocalDevice {
  return {
    member: parseMemberId(person['member'] as string),
    device: parseDeviceId(person['device'] as string),
    uikHash: sha256(hex((person['uik'] ?? person['community_key']) as string)),
    listVersion: person.list_version,
    dikHash: sha256(hex(person['dik'] as string)),
    sign: compositeSigner(noble, hex(person['dik_seed'] as string)),
    prekeys: [{ hash: hex(person['prekey_hash'] as string), seed: hex(person['spk_seed'] as string), notAfter: now + 1 }],
  };
}
const [alice, bob] = [localOf(members.alice), localOf(members.bob)];
const callId: CallId = callIdFromBytes(hex(call.offer['call_id'] as string));

/** Epoch 0 of one side, from the file's exports. */
const fresh = (role: Role): Session => {
  const [self, peer] = role === 'caller' ? [alice, bob] : [bob, alice];
  const [caller, callee] = [hex(call.offer.exports['caller'] as string), hex(call.offer.exports['callee'] as string)];
  return newSession({ role, callId, self: partyOf(self), peer: partyOf(peer), caller, callee });
};
/** Epoch 1. */
const inCall = (role: Role, session = fresh(role)): Session => {
  const { caller, callee, next, sframe_caller, sframe_callee } = call.answer.exports;
  const exported = [caller, callee, next, sframe_caller, sframe_callee].map((one) => hex(one as string));
  return answered(session, epochKeys(role, 1, exported), hex(call.answer['select_mac'] as string));
};
const leg = (): CallerLeg => ({
  seed: hex(call.offer['ek_call_seed'] as string),
  psk: hex(call.offer['psk'] as string),
  hash: hex(call.offer['h_offer'] as string),
  sdp: call.offer['sdp'] as string,
  policy: 'none',
  dik: hex(members.bob['dik'] as string),
});

async function take(
  provider: Provider,
  session: Session,
  said: { readonly envelope: Json },
): Promise<[Session, readonly object[]]> {
  const received = await openMessage(provider, session, envelope<MessageEnvelope>(said.envelope), now);
  assert(received.kind === 'opened');
  return [received.session, received.messages];
}

for (const provider of PROVIDERS)
  describe(`The test vectors with ${provider.name}`, () => {
    it('hold the keys of their seeds, and lists and prekeys that verify', () => {
      for (const [name, person] of Object.entries(members)) {
        const legacy = name === 'carol';
        const get = (field: string) => hex(person[field] as string);
        const root = get(legacy ? 'community_key' : 'uik');
        const list = legacy ? 'statement' : 'device_list';
        assert.deepEqual(compositePublicKey(provider, get(legacy ? 'community_seed' : 'uik_seed')), root);
        assert.deepEqual(compositePublicKey(provider, get('dik_seed')), get('dik'));
        assert.deepEqual(xwingPublicKey(provider, get('spk_seed')), decodePrekey(get('prekey_statement')).spk);
        assert(compositeVerify(provider, root, get(list), legacy ? CONTEXT.legacy : CONTEXT.devlist, get(`${list}_signature`)));
        assert(compositeVerify(provider, get('dik'), get('prekey_statement'), CONTEXT.prekey, get('prekey_signature')));
        if (!legacy) assert.equal(decodeList(get(list)).version, person.list_version);
        const peer = checkBundle(provider, get('bundle'), {
          member: localOf(person).member,
          known: {},
          now,
          allowLegacy: legacy,
        });
        assert.equal(toHex(peer.target.prekeyHash), person['prekey_hash']);
      }
    });

    it('hold the safety number', () => {
      const person = (one: Json) => ({ member: parseMemberId(one['member'] as string), uik: hex(one['uik'] as string) });
      assert.equal(safetyNumber(provider, person(members.bob), person(members.alice)), vectors.safety_number.number);
    });

    it('hold an offer that opens to its exports', async () => {
      const offer = envelope<EnvelopeOf<'app.volly.call.offer'>>(call.offer.envelope);
      const opened = await openOffer(provider, offer, { device: bob, known: {}, guard, now });
      assert.equal(opened.offer.sdp, call.offer['sdp']);
      assert.equal(toHex(opened.leg.hash), call.offer['h_offer']);
      assert.equal(toHex(opened.leg.psk), call.offer['psk']);
      assert.deepEqual(opened.leg.ek, xwingPublicKey(provider, hex(call.offer['ek_call_seed'] as string)));
      assert.deepEqual(opened.session.keys[0]?.receive, aeadKey(hex(call.offer.exports['caller'] as string)));
    });

    it('hold a call that opens from the answer to the hangup, on both sides', async () => {
      let [caller, callee] = [fresh('caller'), fresh('callee')];
      const [ringing, ...rest] = call.messages as [Said, ...Said[]];
      [caller] = await take(provider, caller, ringing);
      const answer = envelope<EnvelopeOf<'app.volly.call.answer'>>(call.answer.envelope);
      const taken = await openAnswer(provider, answer, { leg: leg(), session: caller, now });
      assert.equal(taken.sdp, call.answer['sdp']);
      assert.equal(toHex(taken.session.mac as Bytes), call.answer['select_mac']);
      assert.deepEqual(taken.session.keys[1]?.send, aeadKey(hex(call.answer.exports['caller'] as string)));
      caller = { ...taken.session, selectedAt: now };
      callee = inCall('callee', callee);
      for (const said of rest) {
        const [session, messages] = await take(provider, said.from === 'caller' ? callee : caller, said);
        if (said.from === 'caller') callee = session;
        else caller = session;
        assert.equal((messages[0] as { type: string }).type, said.message.type);
        if (said.message.type === 'select_answer') assert.deepEqual(messages, [{ type: 'select_answer', macMatches: true }]);
        else if (said.message.type !== 'negotiate') assert.deepEqual(messages, [said.message]);
      }
      // The caller asked for the re-keying with a key of the file.
      const rekey = { seed: hex(call.rekey['ek_seed'] as string), pskId: hex(call.rekey['psk_id'] as string), epoch: 1 };
      caller = { ...caller, offered: { sdp: call.offer['sdp'] as string, rekey } };
      [caller] = await take(provider, caller, call.rekey);
      assert.deepEqual(caller.keys.at(-1)?.send, aeadKey(hex(call.rekey.exports['caller'] as string)));
      assert.equal(toHex(caller.keys.at(-1)?.next as Bytes), call.rekey.exports['next']);
      const last = call.rekey.messages_after[1] as Said;
      assert.deepEqual((await take(provider, caller, last))[1], [last.message]);
    });

    it('hold a subscribe, a grant and its updates', async () => {
      const subscribe = envelope<EnvelopeOf<'app.volly.presence.subscribe'>>(presence.subscribe.envelope);
      const options = { known: {}, guard, now };
      assert.equal((await openSubscribe(provider, subscribe, { device: bob, ...options })).from.member, alice.member);
      const grant = envelope<EnvelopeOf<'app.volly.presence.grant'>>(presence.grant.envelope);
      const opened = await openGrant(provider, grant, { device: alice, ...options, newest: 0 });
      assert.equal(toHex(opened.grant.key), presence.grant.key);
      let receiver: PresenceReceiver = { grant: opened.grant };
      for (const { state, envelope: update } of presence.updates) {
        const got = openUpdate(provider, envelope(update), receiver, now);
        assert.equal(got.state, state);
        receiver = got.receiver;
      }
    });

    for (const { as, why, code: expected, input, ...more } of vectors.must_fail)
      it(`refuse as ${as}: ${why}`, async () => {
        const at = more.now ?? now;
        const known = more.pin === undefined ? {} : { pin: hex(more.pin) };
        const bad = <T>(good: Json): T => {
          const fields = Object.entries({ ...good, ...(input as Json) }).filter(([, value]) => value !== null);
          return envelope(Object.fromEntries(fields));
        };
        const attempts: Record<string, () => unknown> = {
          cbor: () => decodeCbor(hex(input)),
          body: () => decodeBody(hex(input)),
          sdp: () => checkSdp(input),
          candidate: () => checkCandidate({ candidate: input, sdpMid: '0', sdpMLineIndex: 0, ufrag: '' }),
          bundle: () => checkBundle(provider, hex(input), { member: bob.member, known, now: at }),
          offer: () => openOffer(provider, bad(call.offer.envelope), { device: bob, known, guard, now: at }),
          answer: () => openAnswer(provider, bad(call.answer.envelope), { leg: leg(), session: fresh('caller'), now: at }),
          message: () => openMessage(provider, inCall('callee'), bad((call.messages[1] as Said).envelope), at),
        };
        await assert.rejects(async () => attempts[as]?.(), code(expected));
      });
  });

describe('The test vectors', () => {
  it('name every kind of refusal once, so that a shortened file does not pass', () => {
    assert(vectors.must_fail.length >= 70);
    assert.equal(new Set(vectors.must_fail.map(({ as, why }) => `${as} ${why}`)).size, vectors.must_fail.length);
    assert.equal(fromUtf8(new TextEncoder().encode('volly-pq-1')), (vectors as unknown as Json)['suite']);
  });
});
