/** S5: what two homeservers and two bridges see, keep and log of a call with presence, and that the search would find a leak. */
import assert from 'node:assert/strict';
import { appendFileSync, statSync } from 'node:fs';
import { ECHO_TYPE } from '../../src/matrix/echo.ts';
import { deflateSdp, encodeBody, PADDING } from '../../src/protocol/body.ts';
import { ENVELOPES } from '../../src/protocol/envelope.ts';
import type { Community } from '../support/community.ts';
import { registerUser } from '../support/homeserver/client.ts';
import { enrol, type Person, privateKeysOf, secretsOf, sees } from '../support/people.ts';
import { CALL_NEEDLES, type Finding, keyNeedles, type Needle, needle, PRESENCE_NEEDLES } from '../support/wiretap.ts';
import { quarantined } from './bridge-rows.ts';
import { converse, hangUp } from './conversation.ts';
import { communitySeed, keepEverything, leaks, sightings } from './leaks.ts';
import { freshId, Operator } from './operator.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';

const WORDS = ['what alice says to bob', 'and again after the restart'];
/** What a call with presence needs; the rest only comes in calls that fail. */
const SEEN_IN_A_CALL = [
  'app.volly.ack',
  'app.volly.call.answer',
  'app.volly.call.candidates',
  'app.volly.call.hangup',
  'app.volly.call.negotiate',
  'app.volly.call.offer',
  'app.volly.call.ringing',
  'app.volly.call.select_answer',
  ECHO_TYPE,
  'app.volly.keys.bundle',
  'app.volly.keys.query',
  'app.volly.presence',
  'app.volly.presence.grant',
  'app.volly.presence.subscribe',
];

describe('The wiretap on a call with presence', () => {
  let pair: Pair;
  let alice: Person;
  let bob: Person;
  let sdp: string;
  let needles: readonly Needle[];
  const check = (): Finding[] => leaks(pair.both, needles);

  before(async () => {
    // With all that a log can hold.
    pair = await startPair({ tapped: true, logging: { level: 'debug' } });
    keepEverything(pair.both);
    [alice, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.maple, 'bob')]);
    for (const { client } of [alice, bob]) client.on('presence-request', (request) => void request.accept());
    await Promise.all([alice.client.presence.set('online'), bob.client.presence.set('away')]);
    await Promise.all([alice.client.presence.watch(bob.client.member), bob.client.presence.watch(alice.client.member)]);
    await Promise.all([sees(alice.client, bob.client.member, 'away'), sees(bob.client, alice.client.member, 'online')]);
    const conversation = await converse(alice, bob);
    await alice.client.presence.set('busy');
    await sees(bob.client, alice.client.member, 'busy');
    await conversation.echo(WORDS[0] as string);
    const secrets = conversation.pcs.map(secretsOf);
    await conversation.calling.restartIce();
    await until('new keys', () => conversation.calling.epoch === 2 && conversation.taken.epoch === 2);
    await conversation.echo(WORDS[1] as string);
    secrets.push(...conversation.pcs.map(secretsOf));
    await hangUp(conversation, 'callee');
    await alice.client.presence.set('offline');
    await sees(bob.client, alice.client.member, 'offline');
    sdp = secrets.map((one) => one.sdp).join('');
    const members = (await Promise.all([alice, bob].map(privateKeysOf))).flat();
    needles = [
      ...CALL_NEEDLES,
      ...PRESENCE_NEEDLES,
      ...secrets.flatMap(({ words }) => words.map((word) => needle('a secret of this call’s SDP', word))),
      ...WORDS.map((text) => needle('what they said', text)),
      ...members.flatMap((key) => keyNeedles('a member’s private key', key)),
      ...pair.both.flatMap((community) => keyNeedles('a community’s private key', communitySeed(community))),
    ];
  });
  after(function () {
    return pair?.close([alice, bob], anyFailed(this));
  });

  it('saw exactly the documented event types, on the wire and in the homeservers’ tables alike', () => {
    const all = pair.both.flatMap(sightings);
    for (const where of [
      'Orchid bridge, handed over',
      'Orchid bridge, fetched',
      'Maple bridge, handed over',
      'Maple bridge, fetched',
      'Orchid federation, federation',
      'Maple federation, federation',
      'Orchid’s homeserver, kept_device_inbox',
      'Maple’s homeserver, kept_device_inbox',
      'Orchid’s homeserver, kept_device_federation_outbox',
      'Maple’s homeserver, kept_device_federation_outbox',
    ])
      assert.ok(
        all.some((sighting) => sighting.where === where),
        `the wiretap is deaf: ${where}`,
      );
    const types = new Set(all.map(({ type }) => type));
    for (const type of types) assert.ok(type === ECHO_TYPE || Object.hasOwn(ENVELOPES, type), type);
    for (const type of SEEN_IN_A_CALL) assert.ok(types.has(type), `${type} is not used any more, or the wiretap is deaf`);
  });

  it('finds nothing of SDP, candidates, fingerprints, presence states or private keys, and no room event', () => {
    assert.deepEqual(check(), []);
  });

  it('finds the community’s own key in one place, a file for its owner alone', () => {
    for (const { keyPath, registrationPath } of pair.both) {
      assert.equal(statSync(keyPath).mode & 0o777, 0o600);
      assert.equal(statSync(registrationPath).mode & 0o777, 0o600);
    }
  });

  // What follows plants leaks and stays planted: these tests are the last ones, and each looks for its own.

  it('fails on a call that leaks: an unsealed offer through the homeservers, and a line in a log', async () => {
    const operator = await Operator.of(pair.maple);
    // What a bridge would send whose client forgot to seal, and to which somebody added a field.
    const unsealed = encodeBody([deflateSdp(sdp), new Uint8Array(32), 'none'], PADDING.offer);
    const envelope = {
      ...envelopeTo(alice, 'app.volly.call.offer'),
      ...{ header: 'AAAA', quantum_key: 'AAAA', signature: 'AAAA', sealed: Buffer.from(unsealed).toString('base64url') },
      sdp: Buffer.from(deflateSdp(sdp)).toString('base64url'),
    };
    await operator.send(pair.orchid, 'app.volly.call.offer', { envelopes: [envelope] });
    appendFileSync(pair.maple.logPath, `${JSON.stringify({ level: 30, msg: 'offer', sdp })}\n`);
    await passed(pair.orchid, envelope.sealed);
    await until('the bridge has refused it', () => quarantined(pair.orchid).length > 0);
    const found = check();
    const places = (what: string) => found.filter((one) => one.what === what).map(({ where }) => where.split(':')[0]);
    for (const what of ['a fingerprint', 'ICE credentials', 'a secret of this call’s SDP'])
      assert.deepEqual(
        [
          'Maple’s homeserver, table kept_device_federation_outbox',
          'Orchid federation',
          'Orchid’s homeserver, table kept_device_inbox',
          'Orchid bridge',
          'Orchid’s bridge, table kept_quarantine',
          'Maple’s logs, bridge.log',
        ].filter((where) => !places(what).includes(where)),
        [],
        what,
      );
    assert.ok(found.some(({ what }) => what === 'a field sdp in an envelope app.volly.call.offer'));
  });

  it('fails on a presence that leaks: an unsealed update through the homeservers, and a line in a log', async () => {
    const operator = await Operator.of(pair.orchid);
    const unsealed = Buffer.from(encodeBody(['busy'], PADDING.update)).toString('base64url');
    const envelope = { ...envelopeTo(bob, 'app.volly.presence'), header: 'AAAA', sealed: unsealed };
    await operator.send(pair.maple, 'app.volly.presence', { envelopes: [envelope] });
    appendFileSync(pair.orchid.logPath, 'presence of a member changed state=away\n');
    await passed(pair.maple, unsealed);
    const found = check();
    const places = (what: string) => found.filter((one) => one.what === what).map(({ where }) => where.split(':')[0]);
    assert.deepEqual(
      [
        'Orchid’s homeserver, table kept_device_federation_outbox',
        'Maple federation',
        'Maple’s homeserver, table kept_device_inbox',
        'Maple bridge',
        'Maple’s bridge, table kept_journal',
      ].filter((where) => !places('the presence state busy').includes(where)),
      [],
    );
    assert.deepEqual(places('the presence state away'), ['Orchid’s logs, bridge.log']);
  });

  it('fails on an event type that is not documented, and on a room event', async () => {
    const mallory = await registerUser(pair.orchid.synapse, 'mallory');
    const { room_id } = await mallory.client.request('POST', '/_matrix/client/v3/createRoom', {});
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room_id)}/send/app.volly.call.offer/1`;
    await mallory.client.request('PUT', path, { envelopes: [] });
    const operator = await Operator.of(pair.maple);
    await operator.send(pair.orchid, 'app.volly.call.whisper', { envelopes: [envelopeTo(alice, 'app.volly.call.whisper')] });
    await passed(pair.orchid, 'app.volly.call.whisper');
    const found = check().map(({ where, what }) => `${where}: ${what}`);
    assert.ok(found.includes('Orchid’s homeserver, event_json: a room event of ours'));
    for (const where of ['Orchid federation, federation', 'Orchid bridge, fetched', 'Orchid’s homeserver, kept_device_inbox'])
      assert.ok(found.includes(`${where}: an event of the type app.volly.call.whisper`), where);
  });

  const envelopeTo = (to: Person, type: string) => {
    const from = to === alice ? bob : alice;
    return { id: freshId(), type, from: from.client.address, to: to.client.address, expires: Date.now() + 20_000 };
  };
  /** All of its way is on record: a tap keeps an exchange when it is over, the one between homeservers after the bridge’s. */
  const passed = (to: Community, text: string) =>
    until('what was planted is on record', () =>
      to.taps.every(({ exchanges }) =>
        exchanges.some(({ request, response }) => request.includes(text) || response.includes(text)),
      ),
    );
});
