/** Every queue of the junction at its bound: what the sender hears. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { type DeviceAddress, newEnvelopeId, parseDeviceAddress, parseServerName, type ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Envelope, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { Load } from '../../src/routing/load.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, moss, offer, orchid, pair } from './bridge.ts';

const random = seededRandom(17);
const OVERLOADED = { code: 'overloaded' };
const member = (n: number, server: ServerName): DeviceAddress => parseDeviceAddress(`m${n}@${server}/PHONE`);

describe('a full queue', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  beforeEach(() => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
  });
  const orchidAlone = async (stores = memoryStores()) => {
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores });
    await a.junction.start();
    return a;
  };

  it('of a device that is away: what is refused is repeated and comes when there is room, else ends `unconfirmed`', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    for (let i = 0; i < LIMITS.inboxPerDeviceOfMember; i++) await a.send(message(clock));
    await clock.advance(500);
    const lucky = offer(clock);
    const brief = message(clock, { expires: clock.now() + 5_000 });
    await a.send(lucky);
    await a.send(brief);
    await clock.advance(12_000);
    assert.ok(b.refused.length > 1 && b.refused.every((code) => code === 'overloaded'));
    assert.deepEqual(a.ends(brief.id), ['unconfirmed']);
    await b.connect(bob);
    await clock.advance(9_000);
    assert.deepEqual([b.got(lucky.id), a.ends(lucky.id)], [1, []]);
  });

  it('of a device that is away, for another of the same server: it is refused', async () => {
    const a = await orchidAlone();
    a.offline.add(alice);
    for (let i = 0; i < LIMITS.inboxPerDeviceOfMember; i++) await a.send(message(clock, { to: alice }));
    await assert.rejects(a.send(message(clock, { to: alice })), OVERLOADED);
  });

  it('of ends besides: nothing is acknowledged, so that the sender’s own bridge tells it', async () => {
    const stores = memoryStores();
    const a = await orchidAlone(stores);
    a.offline.add(alice);
    for (let i = 0; i < LIMITS.outboxPerPeer; i++)
      await stores.outbox.put({
        ...{ id: newEnvelopeId(random), peer: fern, type: 'app.volly.undeliverable', from: orchid, to: bob },
        ...{ expires: clock.now() + 300_000, encoded: '{}' },
      });
    const nobody = member(1, orchid);
    a.receive(fern, [encodeEnvelope(message(clock, { from: bob, to: nobody }))]);
    await clock.advance(500);
    assert.deepEqual(a.refused, ['overloaded']);
    assert.deepEqual(eventsOf(network, 'app.volly.ack'), []);
  });

  it('of ids that are remembered of one server: it is refused, others are not', async () => {
    const stores = memoryStores();
    const accept: typeof stores.inbox.accept = async (key, row) => (key.origin === fern ? 'full' : stores.inbox.accept(key, row));
    const a = await orchidAlone({ ...stores, inbox: { ...stores.inbox, accept } });
    a.receive(fern, [encodeEnvelope(message(clock, { from: bob, to: alice }))]);
    a.receive(moss, [encodeEnvelope(message(clock, { from: member(1, moss), to: alice }))]);
    await clock.advance(500);
    assert.deepEqual(a.refused, ['overloaded']);
    assert.equal(a.delivered.length, 1);
  });

  it('of a peer: all who write to it are refused, who writes to another is not', async () => {
    const stores = memoryStores();
    const a = await orchidAlone(stores);
    for (let i = 0; i < LIMITS.outboxPerPeer; i++)
      await stores.outbox.put({
        ...{ id: newEnvelopeId(random), peer: fern, type: 'app.volly.call.hangup', from: member(i, orchid), to: bob },
        ...{ expires: clock.now() + 30_000, encoded: '{}' },
      });
    await assert.rejects(a.send(message(clock)), OVERLOADED);
    await a.send(message(clock, { to: member(1, moss) }));
    assert.equal(a.junction.load().peers, 1);
  });

  it('of all peers: a further one is refused, those there are not', async () => {
    network.cut = true;
    const a = await orchidAlone();
    for (let i = 0; i < LIMITS.peers; i++) {
      const from = member(Math.floor(i / LIMITS.peersPerMember), orchid);
      await a.send(message(clock, { from, to: parseDeviceAddress(`bob@s${i}.example/PHONE`) }));
    }
    await assert.rejects(a.send(message(clock)), OVERLOADED);
    await a.send(message(clock, { to: parseDeviceAddress('bob@s1.example/PHONE') }));
    assert.equal(a.junction.load().peers, LIMITS.peers);
  }).timeout(20_000);

  it('of all bytes: nobody has room, whoever writes to whom', () => {
    const load = new Load();
    const encoded = 'x'.repeat(LIMITS.envelopeBytes);
    const row = (n: number) => {
      const peer = parseServerName(`s${n % 10}.example`);
      return { peer, type: 'app.volly.call.offer', from: member(n % 40, orchid), encoded } as const;
    };
    let n = 0;
    while (load.hasRoom(row(n))) load.add(row(n++));
    assert.ok(load.bytes <= LIMITS.outboxBytes && load.bytes > LIMITS.outboxBytes - LIMITS.envelopeBytes, String(load.bytes));
    assert.equal(load.hasRoom({ ...row(0), peer: moss, from: alice }), false);
    load.remove(row(0));
    assert.equal(load.hasRoom({ ...row(0), peer: moss, from: alice }), true);
  });

  it('of presence: what is newest of each goes, what is too much is dropped and counted', async () => {
    network.refusal = new VollyError('homeserver_refused');
    const a = await orchidAlone();
    const presence = (i: number) =>
      message(clock, { from: member(i, orchid), type: 'app.volly.presence', expires: clock.now() + 60_000 });
    await a.send(message(clock));
    await clock.advance(10);
    for (let i = 0; i < LIMITS.presenceQueuePerPeer + 10; i++) await a.send(presence(i));
    assert.equal(a.counted.get('dropped'), 10);
    await a.send(message(clock));
  });

  it('of acks: it goes, as often as it fills', async () => {
    network.attach(fern, () => {});
    const a = await orchidAlone();
    const envelopes: Envelope[] = [];
    for (let i = 0; i < 2 * LIMITS.acksPerEnvelope + 5; i++)
      envelopes.push(message(clock, { from: member(i, fern), to: member(i, orchid) }));
    a.receive(fern, envelopes.map(encodeEnvelope));
    await clock.advance(50);
    assert.equal((await a.junction.counts()).acks, 5);
    await clock.advance(1_000);
    const acks = eventsOf(network, 'app.volly.ack').flatMap((event) => event.encoded.map((text) => JSON.parse(text).acks.length));
    assert.deepEqual(acks.sort(), [LIMITS.acksPerEnvelope, LIMITS.acksPerEnvelope, 5].sort());
  });
});
