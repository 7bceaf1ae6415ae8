/**
 * What the operator of another community, its ordinary users, and anybody who finds the gateway can send. Everything goes through real
 * homeservers and a real gateway; after all of it the bridges are alive, nothing is blocked, and people call each other.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fromBase64url, toBase64url } from '../../src/bytes.ts';
import { systemRandom } from '../../src/clock.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { checkBundle, type Peer } from '../../src/protocol/bundle.ts';
import { greet } from '../../src/protocol/handshake-client.ts';
import { withoutCandidates } from '../../src/protocol/sdp.ts';
import { registerUser } from '../support/homeserver/client.ts';
import { enrol, type Person, within } from '../support/people.ts';
import { quarantined, unrouted } from './bridge-rows.ts';
import { callWithChannel, converse, hangUp, rings } from './conversation.ts';
import { again, Mallory, onTheWire, provider, withHeader, withLowOrderPoint } from './mallory.ts';
import { freshId, Operator, sendPath, toBridge } from './operator.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';
import { closeCodeOf, declined, openRaw, sendRaw } from './raw-socket.ts';
import { eventsOn, type WireEnvelope } from './wire.ts';

type Json = Record<string, unknown>;
/** For `assert.rejects`, which then shows the code that came instead. */
const coded = (code: ErrorCode) => ({ name: 'VollyError', code });
const OFFER = 'app.volly.call.offer';
/** Positions in a header, PROTOCOL.md section 7. */
const [SUITE_AT, TYPE_AT, TO_AT, SENT_AT, LIFETIME_AT] = [0, 1, 5, 8, 9] as const;
/** Connections from one address that may be in the middle of a handshake. */
const HALF_HANDSHAKES = LIMITS.handshakesAtOnce / 8;

describe('Hostile input', () => {
  let pair: Pair;
  let alice: Person;
  let bob: Person;
  /** Of Maple, and gone bad. */
  let operator: Operator;
  let mallory: Mallory;
  let aliceKeys: Peer;
  let sdp: string;
  let pids: readonly unknown[];
  /** Rows in quarantine after the first test. */
  let kept = 0;
  const rang: string[] = [];

  before(async () => {
    pair = await startPair({ tapped: true });
    [alice, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.maple, 'bob')]);
    operator = await Operator.of(pair.maple);
    mallory = new Mallory(`mallory@${pair.maple.serverName}`);
    pids = [pair.orchid.bridgePid, pair.orchid.synapse.pid, pair.maple.synapse.pid];
    // An honest call: its offer is there to be replayed, and alice’s keys are what a hostile community can ask for as well.
    const conversation = await converse(bob, alice);
    sdp = withoutCandidates(conversation.pcs[0].localDescription?.sdp ?? '');
    await hangUp(conversation, 'caller');
    const { bundle } = seen('fetched').find(({ type }) => type === 'app.volly.keys.bundle') as WireEnvelope;
    const member = parseMemberId(alice.client.member);
    aliceKeys = checkBundle(provider, fromBase64url(bundle as string) as Uint8Array, { member, known: {}, now: Date.now() });
    alice.client.on('incoming', ({ from }) => rang.push(from));
  });
  after(function () {
    return pair?.close([alice, bob], anyFailed(this));
  });

  const seen = (at: 'handed over' | 'fetched'): WireEnvelope[] =>
    pair.both.flatMap(({ exchanges }) =>
      exchanges.flatMap(eventsOn).flatMap((event) => (event.at === at ? event.envelopes : [])),
    );
  const send = (type: string, ...envelopes: readonly unknown[]) => operator.send(pair.orchid, type, { envelopes });
  const acksOf = (id: unknown): number =>
    seen('handed over').filter(({ type, acks }) => type === 'app.volly.ack' && (acks as string[]).includes(id as string)).length;
  const refusals = (code: string): number => alice.client.refusals.get(code) ?? 0;
  /** All that was sent before has been routed: Orchid’s bridge takes events in their order, and this one is answered. */
  const settled = async (): Promise<void> => {
    const query = keysQuery();
    await send('app.volly.keys.query', query);
    await until('the query behind it is answered', () =>
      seen('handed over').some(({ request, type }) => request === query['id'] && type === 'app.volly.keys.bundle'),
    );
  };
  const keysQuery = (): Json => {
    const id = freshId();
    const expires = Date.now() + LIMITS.keysLifeMs;
    return { id, type: 'app.volly.keys.query', from: mallory.device.address, to: alice.client.member, expires, request: id };
  };
  /** Sound in itself, of a call that never was. */
  const heartbeat = (changes: Json = {}): Json => ({
    ...{ id: freshId(), type: 'app.volly.call.heartbeat', from: bob.client.address, to: alice.client.address },
    ...{ expires: Date.now() + LIMITS.messageLifeMs, header: 'AAAA', sealed: 'AAAA', ...changes },
  });

  describe('of another community’s operator, in events', () => {
    it('is refused with its code and kept in quarantine, whatever is wrong with it', async () => {
      const third = 'third.example';
      const { type } = heartbeat();
      const HEARTBEAT = type as string;
      const cases: readonly (readonly [what: string, code: string, event: string, content: Json])[] = [
        ['no envelopes', 'bad_encoding', HEARTBEAT, {}],
        ['an empty list', 'bad_encoding', HEARTBEAT, { envelopes: [] }],
        ['no list', 'bad_encoding', HEARTBEAT, { envelopes: { 0: heartbeat() } }],
        ['a number for an envelope', 'bad_encoding', HEARTBEAT, { envelopes: [7] }],
        ['a missing field', 'bad_encoding', HEARTBEAT, { envelopes: [heartbeat({ sealed: undefined })] }],
        ['a field too many', 'bad_encoding', HEARTBEAT, { envelopes: [heartbeat({ sdp: 'v=0' })] }],
        ['base64url that is not canonical', 'bad_encoding', HEARTBEAT, { envelopes: [heartbeat({ sealed: 'AB' })] }],
        ['an id of another length', 'bad_address', HEARTBEAT, { envelopes: [heartbeat({ id: 'short' })] }],
        ['an address that climbs', 'bad_address', HEARTBEAT, { envelopes: [heartbeat({ to: '../alice@x/PHONE' })] }],
        [
          'an oversized envelope',
          'too_large',
          HEARTBEAT,
          { envelopes: [heartbeat({ sealed: 'A'.repeat(LIMITS.envelopeBytes) })] },
        ],
        ['too many envelopes', 'too_large', HEARTBEAT, { envelopes: Array(LIMITS.envelopesPerEvent + 1).fill({}) }],
        ['an unknown type', 'wrong_type', 'app.volly.call.whisper', { envelopes: [heartbeat()] }],
        ['an envelope of another type than its event', 'wrong_type', 'app.volly.call.hangup', { envelopes: [heartbeat()] }],
        ['a member of a third server', 'wrong_sender', HEARTBEAT, { envelopes: [heartbeat({ from: `eve@${third}/PHONE` })] }],
        ['a member of our own', 'wrong_sender', HEARTBEAT, { envelopes: [heartbeat({ from: alice.client.address })] }],
        ['for a third server', 'wrong_recipient', HEARTBEAT, { envelopes: [heartbeat({ to: `eve@${third}/PHONE` })] }],
        [
          'an ack in a third server’s name',
          'wrong_sender',
          'app.volly.ack',
          { envelopes: [fromServer(third, { type: 'app.volly.ack', acks: [freshId()] })] },
        ],
      ];
      for (const [what, code, event, content] of cases) {
        const before = quarantined(pair.orchid).length;
        await operator.send(pair.orchid, event, content);
        await until(`${what} is refused`, () => quarantined(pair.orchid).length > before);
        const rows = quarantined(pair.orchid).slice(before);
        assert.deepEqual(
          rows.map((row) => [row.source, row.code]),
          [[pair.maple.serverName, code]],
          what,
        );
      }
      kept = quarantined(pair.orchid).length;
    });

    it('takes no good envelope down that stands beside it', async () => {
      const query = keysQuery();
      await send('app.volly.keys.query', 7, { ...keysQuery(), request: 'x' }, query, null);
      await until('the good one is answered', () => acksOf(query['id']) > 0);
    });

    it('is neither acknowledged nor delivered when it is past its end, or claims a life too long', async () => {
      const before = refusals('bad_encoding');
      const late = heartbeat({ expires: Date.now() - 1 });
      const intime = heartbeat();
      const ageless = heartbeat({ expires: Date.now() + 86_400_000 });
      await send('app.volly.call.heartbeat', late, ageless, intime);
      // The device finds no header in the second one, which tells that it was delivered; the others were before it.
      await until('the one in time is delivered', () => refusals('bad_encoding') === before + 1);
      await until('and acknowledged', () => acksOf(intime['id']) === 1);
      await settled();
      assert.deepEqual([acksOf(late['id']), acksOf(ageless['id']), refusals('bad_encoding')], [0, 0, before + 1]);
    });

    it('for a name that nobody has here is answered with unknown_member, and only to the server it came from', async () => {
      const lost = heartbeat({ to: `nobody@${pair.orchid.serverName}/PHONE` });
      await send('app.volly.call.heartbeat', lost);
      const told = () => seen('handed over').filter(({ envelope }) => envelope === lost['id']);
      await until('the sender is told', () => told().length > 0);
      assert.deepEqual(
        told().map(({ type, from, to, reason }) => [type, from, to, reason]),
        [['app.volly.undeliverable', pair.orchid.serverName, bob.client.address, 'unknown_member']],
      );
    });
  });

  describe('from ordinary users of either homeserver', () => {
    it('is dropped, however good it looks; the same from the bridge user rings', async () => {
      const offer = onTheWire(await mallory.offer(aliceKeys, sdp));
      const before = quarantined(pair.orchid).length;
      for (const { synapse } of pair.both) {
        const { client } = await registerUser(synapse, 'mallory');
        await client.request('PUT', sendPath(OFFER), toBridge(pair.orchid, { envelopes: [offer] }));
      }
      await settled();
      assert.deepEqual([rang, acksOf(offer['id']), quarantined(pair.orchid).length], [[], 0, before]);
      const ringing = rings(alice);
      await send(OFFER, offer);
      const incoming = await ringing;
      assert.deepEqual([incoming.from, incoming.known], [mallory.user.member, false]);
      await incoming.reject();
      await until('it is acknowledged', () => acksOf(offer['id']) === 1);
      // R4 and R14. The same envelope is the same to the bridge, which acknowledges it once more; under a new id it is the device that knows it.
      await send(OFFER, offer);
      await until('it is acknowledged again', () => acksOf(offer['id']) === 2);
      await send(OFFER, again(offer));
      await until('the device knows it', () => refusals('replayed') === 1);
      assert.deepEqual(rang, [mallory.user.member]);
    });
  });

  describe('that only the device can see', () => {
    it('is refused there with its code, and nothing rings', async () => {
      rang.length = 0;
      const stale = Date.now() - LIMITS.offerLifeMs - 5_000;
      const other = { ...aliceKeys, target: { ...aliceKeys.target, prekeyHash: systemRandom(32) } };
      const honest = seen('fetched').find(({ type }) => type === OFFER) as WireEnvelope;
      const spoiled = async (spoil: Parameters<Mallory['offer']>[2]) => onTheWire(await mallory.offer(aliceKeys, sdp, spoil));
      const header = (changes: Parameters<typeof withHeader>[1]) =>
        spoiled((offer) => {
          offer.header = withHeader(offer.header, changes);
        });
      const cases: readonly (readonly [what: string, code: string, envelope: Json])[] = [
        ['an honest offer, replayed', 'replayed', again(honest)],
        ['an unknown suite', 'unknown_suite', await header({ [SUITE_AT]: 'volly-pq-0' })],
        ['another type in the header', 'wrong_type', await header({ [TYPE_AT]: 'app.volly.call.answer' })],
        ['a header for nobody', 'bad_encoding', await header({ [TO_AT]: [] })],
        ['past its end', 'expired', await header({ [SENT_AT]: stale })],
        ['from the future', 'clock_skew', await header({ [SENT_AT]: Date.now() + 2 * LIMITS.futureMs })],
        ['a life too long', 'bad_encoding', await header({ [LIFETIME_AT]: LIMITS.offerLifeMs + 1 })],
        ['to a prekey that is not alice’s', 'wrong_recipient', onTheWire(await mallory.offer(other, sdp))],
        [
          'from another device than it is signed by',
          'wrong_sender',
          { ...(await spoiled(() => {})), from: `mallory@${pair.maple.serverName}/LAPTOP` },
        ],
        [
          'from a device that is in no list',
          'not_in_list',
          onTheWire(await mallory.offer(aliceKeys, sdp, () => {}, mallory.unlisted())),
        ],
        [
          'a signature of other bytes',
          'bad_signature',
          { ...(await spoiled(() => {})), sealed: toBase64url(systemRandom(3_088)) },
        ],
        [
          'a low-order encapsulation',
          'bad_key',
          await spoiled((offer) => {
            offer.quantum_key = withLowOrderPoint(offer.quantum_key);
          }),
        ],
        [
          'sealed to other keys',
          'open_failed',
          await spoiled((offer) => {
            offer.sealed = systemRandom(offer.sealed.length);
          }),
        ],
        ['keys that nobody asked for', 'forbidden_in_state', unasked()],
      ];
      for (const [what, code, envelope] of cases) {
        const before = refusals(code);
        await send(envelope['type'] as string, envelope);
        await until(`${what} is refused with ${code}`, () => refusals(code) === before + 1);
      }
      assert.deepEqual(rang, []);
    });

    it('as keys: what a hostile community serves is refused before anything is sealed to it', async () => {
      // Maple’s operator answers in place of its bridge.
      await pair.maple.stopBridge();
      const cases: readonly (readonly [name: string, code: ErrorCode, bundle: (asked: Mallory) => Uint8Array])[] = [
        ['lowered', 'bad_key', (asked) => asked.bundle({ lowOrder: true })],
        ['old', 'unknown_suite', (asked) => asked.bundle({ suites: ['volly-pq-0'] })],
        ['swapped', 'wrong_sender', () => mallory.bundle()],
      ];
      for (const [name, code, bundle] of cases) {
        const asked = new Mallory(`${name}@${pair.maple.serverName}`);
        const query = operator.receive((envelope) => envelope['to'] === asked.user.member);
        const call = callWithChannel(alice, asked.user.member);
        const refused = assert.rejects(call, coded(code));
        const { request } = await within('the query arrives', query);
        await send('app.volly.keys.bundle', {
          ...unasked(),
          from: asked.user.member,
          request,
          bundle: toBase64url(bundle(asked)),
        });
        await refused;
      }
      assert.ok(!seen('handed over').some(({ type, to }) => type === OFFER && /^(lowered|old|swapped)@/.test(to)));
      await pair.maple.startBridge();
      await until('bob is online again', () => bob.client.connection.kind === 'online');
    });
  });

  describe('at the gateway', () => {
    it('is answered with a close: random bytes, text, oversized messages, broken handshakes, and what is no WebSocket', async () => {
      const hello = greet(provider, systemRandom).message;
      const { orchid } = pair;
      for (const [what, code, ...messages] of [
        ['nothing in a message', 4400, new Uint8Array(0)],
        ['random bytes', 4400, systemRandom(1_000)],
        ['as many as there may be', 4400, systemRandom(LIMITS.frameBytes)],
        ['one more', 1009, new Uint8Array(LIMITS.frameBytes + 1)],
        ['text', 4400, 'hello'],
        ['half a hello', 4400, hello.subarray(0, hello.length / 2)],
        ['a hello and its repetition', 4401, hello, hello],
        ['a hello, then random bytes', 4401, hello, systemRandom(5_000)],
      ] as const)
        assert.equal(await closeCodeOf(orchid, ...messages), code, what);
      await sendRaw(orchid, Buffer.from('\u0016\u0003\u0001 this is no HTTP\r\n\r\n'));
      assert.equal(await declined(orchid, '/volly/v2'), 404);
    });

    it('cannot keep others out, who are in: handshakes left half done fill only their own address’s share', async () => {
      const states: string[] = [];
      const off = alice.client.on('connection', ({ kind }) => states.push(kind));
      const half = await Promise.all(Array.from({ length: HALF_HANDSHAKES }, () => openRaw(pair.orchid)));
      for (const { ws } of half) ws.send(greet(provider, systemRandom).message);
      assert.equal(await declined(pair.orchid), 429);
      const conversation = await converse(bob, alice);
      await hangUp(conversation, 'callee');
      for (const { ws } of half) ws.terminate();
      await Promise.all(half.map(({ closed }) => closed));
      const carl = await enrol(pair.orchid, 'carl');
      await carl.client.close();
      off();
      assert.deepEqual(states, [], 'alice’s connection did not notice');
    });
  });

  // A suite of its own, or mocha would run it before those above.
  describe('in all', () => {
    it('is counted by its code, where the operator can see it', async () => {
      const counts = await pair.orchid.counts();
      const codes = ['bad_encoding', 'wrong_type', 'wrong_sender', 'wrong_recipient', 'too_large'];
      for (const code of codes) assert.ok(counts.get(`inbound_refused_total{code="${code}"}`), `${code} of ${[...counts]}`);
      assert.ok(counts.get('inbound_dropped_total{reason="sender"}'), 'from users who are no bridge');
      assert.ok(counts.get('gateway_handshakes_total{result="handshake_failed"}'), 'at the gateway');
    });

    it('leaves both communities as they were: alive, ready, nothing stuck, and calls both ways', async () => {
      assert.deepEqual([pair.orchid.bridgePid, pair.orchid.synapse.pid, pair.maple.synapse.pid], pids);
      for (const community of pair.both) {
        assert.equal(await community.isReady(), true);
        assert.doesNotMatch(readFileSync(community.logPath, 'utf8'), /a bug while routing|gateway_failure|"level":(50|60)/);
      }
      await settled();
      await until('the journals are empty', () => pair.both.every((community) => unrouted(community) === 0));
      assert.ok(kept > 0 && quarantined(pair.orchid).length >= kept, 'what was refused is there for the operator to see');
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const conversation = await converse(from, to);
        assert.equal(await conversation.echo('after all of it'), 'after all of it');
        await hangUp(conversation, 'caller');
      }
      for (const { client } of [alice, bob]) assert.equal(client.refusals.get('fault'), undefined);
    });
  });

  const fromServer = (from: string, rest: Json): Json => ({
    ...{ id: freshId(), from, to: pair.orchid.serverName, expires: Date.now() + LIMITS.messageLifeMs, ...rest },
  });
  const unasked = (): Json => ({
    ...{ id: freshId(), type: 'app.volly.keys.bundle', from: mallory.user.member, to: alice.client.address },
    ...{ expires: Date.now() + LIMITS.keysLifeMs, request: freshId(), index: 0, count: 1, bundle: toBase64url(mallory.bundle()) },
  });
});
