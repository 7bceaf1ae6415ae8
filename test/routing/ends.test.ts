/** A definite end survives crashes and a lossy way, and is heard once. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { encodeEnvelope, endId } from '../../src/protocol/envelope.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, mortal, moss, offer, orchid, pair } from './bridge.ts';

const END = 'app.volly.undeliverable';
const random = seededRandom(21);

describe('the end of an envelope', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  beforeEach(() => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
  });
  const orchidOn = (stores = memoryStores()) =>
    new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores });
  const fernOn = (stores = memoryStores()) => new Bridge({ server: fern, clock, networks: [network], devices: [bob], stores });
  const word = (envelope: { id: ReturnType<typeof newEnvelopeId> }, reason = 'undeliverable') =>
    encodeEnvelope({
      ...{ id: endId(fern, envelope.id), type: END, from: fern, to: alice },
      ...{ expires: clock.now() + 300_000, envelope: envelope.id, reason },
    });

  it('has one id for one teller and one envelope', () => {
    const [one, other] = [newEnvelopeId(random), newEnvelopeId(random)];
    const input = Buffer.concat([Buffer.from('volly/1/undeliverable\0\0\0\x0cfern.example'), Buffer.from(one, 'base64url')]);
    assert.equal(endId(fern, one), createHash('sha256').update(input).digest().subarray(0, 16).toString('base64url'));
    assert.equal(new Set([endId(fern, one), endId(orchid, one), endId(fern, other), one]).size, 4);
  });

  it('is repeated until the sender’s bridge has it', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(20_000);
    network.cut = true;
    await clock.advance(60_000);
    assert.deepEqual(a.ends(envelope.id), []);
    network.cut = false;
    await clock.advance(10_000);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
    for (const { stores } of [a, b]) assert.deepEqual(await stores.outbox.all(), []);
  });

  it('is `unconfirmed` of what went to a device whose word of it was lost, in one community or two', async () => {
    const { a, b } = await pair(clock, network);
    const carol = parseDeviceAddress('carol@orchid.example/TABLET');
    a.enrol(carol);
    for (const bridge of [a, b]) for (const device of [bob, carol]) bridge.unheard.add(device);
    const sent = [message(clock), message(clock, { to: carol })];
    for (const envelope of sent) await a.send(envelope);
    await clock.advance(30_000);
    assert.deepEqual(
      sent.map(({ id }) => a.ends(id)),
      [['unconfirmed'], ['unconfirmed']],
    );
    assert.deepEqual(await b.junction.mailbox.waiting(bob), []);
  });

  it('is `unconfirmed` of what an earlier run left, which may have handed it over', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(1_000);
    const stopping = b.junction.stop();
    await clock.advance(4_000);
    await stopping;
    const again = fernOn(b.stores);
    again.offline.add(bob);
    await again.junction.start();
    // A repeat is nothing new.
    again.receive(orchid, [encodeEnvelope(envelope)]);
    await clock.advance(30_000);
    assert.deepEqual(a.ends(envelope.id), ['unconfirmed']);
  });

  it('is `undeliverable` of what waited for a device that was away, also where its repeat came', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(1_000);
    b.receive(orchid, [encodeEnvelope(envelope)]);
    await clock.advance(30_000);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
  });

  it('is `unconfirmed` of what waited for a community that the operator denied since: it may have left, and nothing is sent there any more', async () => {
    const { a, b } = await pair(clock, network);
    // Both queues hold something at the restart: an offer for Fern, and a message of Fern whose end Fern would have to be told.
    a.offline.add(alice);
    await b.send(message(clock, { from: bob, to: alice }));
    await clock.advance(1_000);
    network.refusal = new VollyError('homeserver_unreachable');
    const [denied, other] = [offer(clock), offer(clock, alice, parseDeviceAddress('dora@moss.example/PHONE'))];
    for (const envelope of [denied, other]) await a.send(envelope);
    const stopping = a.junction.stop();
    await clock.advance(4_000);
    await stopping;
    network.refusal = undefined;
    network.sent.length = 0;
    const policy = { deny: [fern] };
    const again = new Bridge({ server: orchid, clock, networks: [network], stores: a.stores, policy });
    await again.junction.start();
    assert.deepEqual([again.ends(denied.id), again.ends(other.id)], [['unconfirmed'], []]);
    assert.deepEqual(
      (await a.stores.outbox.all()).map(({ id }) => id),
      [other.id],
    );
    await clock.advance(90_000);
    assert.ok(network.sent.some(({ peer }) => peer === moss));
    assert.ok(network.sent.every(({ from, peer }) => from !== orchid || peer !== fern));
  });

  it('is `unconfirmed` of what waits for a community at the moment when the operator denies it, also where the disk refuses at first', async () => {
    const stores = memoryStores();
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores });
    await a.junction.start();
    network.attach(moss, () => {});
    network.refusal = new VollyError('homeserver_unreachable');
    const [denied, other] = [offer(clock), offer(clock, alice, parseDeviceAddress('dora@moss.example/PHONE'))];
    for (const envelope of [denied, other]) await a.send(envelope);
    await clock.advance(1_000);
    network.refusal = undefined;
    network.sent.length = 0;
    const { remove } = stores.outbox;
    stores.outbox.remove = () => Promise.reject(new VollyError('database'));
    a.junction.setPolicy({ deny: [fern] });
    await assert.rejects(a.send(offer(clock)), { code: 'denied_by_policy' });
    a.junction.greet();
    await clock.advance(3_000);
    stores.outbox.remove = remove;
    await clock.advance(1_000);
    assert.deepEqual([...new Set(a.ends(denied.id))], ['unconfirmed']);
    assert.equal(await stores.outbox.find(denied.id), undefined);
    assert.ok(network.sent.some(({ peer }) => peer === moss));
    assert.ok(network.sent.every(({ peer }) => peer !== fern));
    a.junction.setPolicy({});
    await a.send(offer(clock));
    await clock.advance(1_000);
    assert.ok(network.sent.some(({ peer }) => peer === fern));
  });

  it('is heard whenever it comes in its own life: the sender’s bridge remembers for as long whose envelope it was', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(20_000);
    network.cut = true;
    await clock.advance(LIMITS.endLifeMs);
    network.cut = false;
    await clock.advance(15_000);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
  });

  it('is given up after its own life, and nobody is told of that', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    await a.send(message(clock));
    await clock.advance(20_000);
    network.cut = true;
    await clock.advance(LIMITS.endLifeMs + 20_000);
    network.cut = false;
    network.sent.length = 0;
    await clock.advance(20_000);
    assert.deepEqual(await b.stores.outbox.all(), []);
    assert.deepEqual(eventsOf(network, END), []);
  });

  for (const [when, method, told, reason] of [
    // Its successor does not know whom it handed the envelope.
    ['before it could tell', 'put', 0, 'unconfirmed'],
    ['after it told and before it forgot', 'remove', 1, 'undeliverable'],
  ] as const)
    it(`is heard once when the other bridge dies ${when}`, async () => {
      const first = mortal();
      const a = orchidOn();
      const b = fernOn(first.stores);
      await a.junction.start();
      await b.junction.start();
      b.offline.add(bob);
      const envelope = message(clock);
      await a.send(envelope);
      await clock.advance(20_000);
      first.killAt(method);
      await clock.advance(10_000);
      assert.equal(a.ends(envelope.id).length, told);
      assert.equal((await first.survivors.inbox.expired(clock.now(), 9)).length, 1);
      const again = fernOn(first.survivors);
      await again.junction.start();
      await clock.advance(10_000);
      assert.deepEqual(a.ends(envelope.id), [reason]);
      assert.deepEqual(await first.survivors.inbox.expired(clock.now(), 9), []);
      assert.deepEqual(await first.survivors.outbox.all(), []);
    });

  it('is heard once when the own bridge dies after it was told, whoever told it', async () => {
    network.attach(fern, () => {});
    for (const byPeer of [true, false]) {
      const first = mortal();
      const a = orchidOn(first.stores);
      a.offline.add(alice);
      await a.junction.start();
      const envelope = message(clock);
      await a.send(envelope);
      await clock.advance(20_000);
      first.killAt('remove');
      if (byPeer) a.receive(fern, [word(envelope)]);
      await clock.advance(20_000);
      const again = orchidOn(first.survivors);
      await again.junction.start();
      // The other one's word comes after: Fern repeats an end that was not acknowledged, or makes one now.
      if (!byPeer) again.receive(fern, [word(envelope)]);
      await clock.advance(10_000);
      if (byPeer) again.receive(fern, [word(envelope)]);
      await clock.advance(1_000);
      await again.connect(alice);
      assert.deepEqual(again.ends(envelope.id), [byPeer ? 'undeliverable' : 'unconfirmed']);
      assert.deepEqual(await first.survivors.outbox.all(), []);
      assert.deepEqual(again.refused, []);
    }
  });

  it('of what is not known any more is acknowledged and counted; of another’s envelope it is refused', async () => {
    const { a } = await pair(clock, network);
    const unknown = newEnvelopeId(random);
    a.receive(fern, [word({ id: unknown })]);
    await clock.advance(200);
    assert.deepEqual(a.refused, []);
    assert.equal(a.counted.get('late_end'), 1);
    assert.deepEqual(JSON.parse(eventsOf(network, 'app.volly.ack').at(-1)!.encoded[0]!).acks, [endId(fern, unknown)]);
    const toMoss = message(clock, { to: bobAt(moss) });
    await a.send(toMoss);
    network.sent.length = 0;
    a.receive(fern, [word(toMoss)]);
    await clock.advance(200);
    assert.deepEqual(a.refused, ['wrong_sender']);
    assert.deepEqual(eventsOf(network, 'app.volly.ack'), []);
  });

  it('is believed whatever its clock says', async () => {
    const { a, b } = await pair(clock, network);
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(1_000);
    a.receive(fern, [word(envelope).replace(/"expires":\d+/, '"expires":1')]);
    await clock.advance(200);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
  });

  it('does not keep a row that nobody can be told of: the queue of a peer that acknowledges nothing is bounded', async () => {
    const stores = memoryStores();
    const b = fernOn(stores);
    b.offline.add(bob);
    await b.junction.start();
    network.attach(orchid, () => {});
    for (let i = 0; i < LIMITS.outboxPerPeer; i++)
      await stores.outbox.put({
        ...{ id: newEnvelopeId(random), peer: orchid, type: END, from: fern, to: alice },
        ...{ expires: clock.now() + 300_000, encoded: '{}' },
      });
    b.receive(orchid, [encodeEnvelope(message(clock))]);
    await clock.advance(30_000);
    assert.deepEqual(await stores.inbox.waiting(bob), []);
    assert.equal(b.counted.get('dropped'), 1);
    assert.equal((await stores.outbox.all()).length, LIMITS.outboxPerPeer);
  });

  it('is that of its delivery too: a device that comes later is not offered it', async () => {
    const stores = memoryStores();
    const b = fernOn(stores);
    b.offline.add(bob);
    b.receive(orchid, [encodeEnvelope(message(clock))]);
    await clock.advance(26_000);
    assert.equal((await stores.inbox.waiting(bob)).length, 1);
    assert.deepEqual(await b.junction.mailbox.waiting(bob), []);
  });
});

const bobAt = (server: typeof fern) => bob.replace(fern, server) as typeof bob;
