import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { memberOf, newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { type Envelope, type EnvelopeOf, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, type Bridge, bob, eventsOf, fern, message, moss, offer, orchid, pair } from './bridge.ts';

const random = seededRandom(9);
const carol = parseDeviceAddress('carol@orchid.example/TABLET');
const bobsTablet = parseDeviceAddress('bob@fern.example/TABLET');
const acksOf = (network: SimulatedNetwork) => eventsOf(network, 'app.volly.ack').flatMap((event) => event.encoded.map(idsOf));
const idsOf = (text: string): string[] => JSON.parse(text).acks;

describe('an envelope for a device here', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  let b: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    ({ a, b } = await pair(clock, network));
  });
  const undeliverable = (envelope: { id: ReturnType<typeof newEnvelopeId> }, from = fern, to = alice) =>
    encodeEnvelope({
      id: newEnvelopeId(random),
      type: 'app.volly.undeliverable',
      from,
      to,
      expires: clock.now() + 60_000,
      envelope: envelope.id,
      reason: 'undeliverable',
    });

  it('is acknowledged when it is on disk, many in one envelope', async () => {
    const envelopes = Array.from({ length: 30 }, () => message(clock));
    await Promise.all(envelopes.map((envelope) => a.send(envelope)));
    await clock.advance(200);
    assert.deepEqual(
      b.delivered.map((envelope) => envelope.id),
      envelopes.map((envelope) => envelope.id),
    );
    assert.deepEqual(acksOf(network), [envelopes.map((envelope) => envelope.id)]);
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('is acknowledged again when it comes again, and handed over once', async () => {
    const text = encodeEnvelope(message(clock));
    for (let i = 0; i < 3; i++) {
      b.receive(orchid, [text, text]);
      await clock.advance(100);
    }
    assert.equal(b.delivered.length, 1);
    assert.equal(acksOf(network).length, 3);
    assert.deepEqual(b.refused, []);
  });

  it('is acknowledged again even past its end', async () => {
    const text = encodeEnvelope(message(clock));
    b.receive(orchid, [text]);
    await clock.advance(30_000);
    b.receive(orchid, [text, encodeEnvelope(message(clock, { expires: clock.now() }))]);
    await clock.advance(100);
    assert.deepEqual(b.refused, ['expired']);
    assert.equal(b.delivered.length, 1);
    assert.equal(acksOf(network).length, 2);
  });

  it('R4 the same envelope through two carriers is handled once', async () => {
    const second = new SimulatedNetwork(clock, 2, { delayMs: [40, 40] });
    const both = await pair(clock, network, second);
    // The first carrier takes the event and its answer is lost, so that the bridge falls back to the second.
    network.refusal = new Error('answer lost');
    const envelope = offer(clock);
    both.b.receive(orchid, [encodeEnvelope(envelope)]);
    await both.a.send(envelope);
    await clock.advance(1_000);
    assert.equal(eventsOf(second, 'app.volly.call.offer').length, 1);
    assert.equal(both.b.got(envelope.id), 1);
    assert.deepEqual(await both.a.stores.outbox.all(), []);
  });

  it('ends `unknown_member` at once when there is no such member or device', async () => {
    const [nobody, tablet] = [
      offer(clock, alice, parseDeviceAddress('nobody@fern.example/PHONE')),
      offer(clock, alice, bobsTablet),
    ];
    await a.send(nobody);
    await a.send(tablet);
    await clock.advance(200);
    assert.deepEqual(a.ends(nobody.id), ['unknown_member']);
    assert.deepEqual(a.ends(tablet.id), ['unknown_member']);
    b.receive(orchid, [encodeEnvelope(nobody)]);
    await clock.advance(200);
    assert.deepEqual(a.ends(nobody.id), ['unknown_member']);
  });

  it('waits for a device that is away, in order, and ends `undeliverable` when nobody takes it', async () => {
    b.offline.add(bob);
    const [first, second, brief] = [offer(clock), offer(clock), message(clock)];
    for (const envelope of [first, brief, second]) await a.send(envelope);
    await clock.advance(29_000);
    assert.deepEqual(a.ends(brief.id), ['undeliverable']);
    assert.deepEqual(a.ends(first.id), []);
    await b.connect(bob);
    assert.deepEqual(
      b.delivered.map((envelope) => envelope.id),
      [first.id, second.id],
    );
    await clock.advance(60_000);
    assert.deepEqual(a.ends(first.id), []);
    assert.deepEqual(await b.junction.mailbox.waiting(bob), []);
  });

  it('goes from one own device to another without the outbox, with the same ends', async () => {
    const [known, unknown] = [message(clock, { to: alice }), message(clock, { to: carol })];
    await a.send(known);
    await a.send(known);
    await a.send(unknown);
    await clock.advance(100);
    assert.equal(a.got(known.id), 1);
    assert.deepEqual(a.ends(unknown.id), ['unknown_member']);
    a.offline.add(alice);
    const lost = message(clock, { to: alice });
    await a.send(lost);
    await clock.advance(27_000);
    await a.connect(alice);
    assert.deepEqual(a.ends(lost.id), ['undeliverable']);
    assert.deepEqual(network.sent, []);
  });

  it('drops presence for a device that is away, and tells a repeated one', async () => {
    const presence = () => encodeEnvelope(message(clock, { type: 'app.volly.presence', expires: clock.now() + 100_000 }));
    const text = presence();
    b.receive(orchid, [text, text]);
    await clock.advance(100);
    b.offline.add(bob);
    b.receive(orchid, [presence()]);
    await clock.advance(100);
    await b.connect(bob);
    assert.equal(b.delivered.length, 1);
    assert.deepEqual(acksOf(network), []);
  });

  it('keeps an `undeliverable` for a sender that is away', async () => {
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    a.offline.add(alice);
    await clock.advance(100_000);
    await a.connect(alice);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
  });

  it('believes an `undeliverable` only of the server it was for, only for its sender, and once', async () => {
    b.offline.add(bob);
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(200);
    a.receive(moss, [undeliverable(envelope, moss)]);
    a.receive(fern, [undeliverable(envelope, fern, carol)]);
    await clock.advance(100);
    assert.deepEqual(a.refused, ['wrong_sender', 'wrong_sender']);
    assert.deepEqual(a.ends(envelope.id), []);
    const end = undeliverable(envelope);
    a.receive(fern, [end]);
    await clock.advance(100);
    a.receive(fern, [end, undeliverable(envelope)]);
    await clock.advance(100);
    assert.deepEqual(a.ends(envelope.id), ['undeliverable']);
    assert.equal(a.refused.length, 2);
  });

  describe('of which copies come together', () => {
    const query = (): EnvelopeOf<'app.volly.keys.query'> => {
      const id = newEnvelopeId(random);
      const to = memberOf(bob);
      return { id, type: 'app.volly.keys.query', from: alice, to, expires: clock.now() + 10_000, request: id };
    };
    const copies = (envelope: Envelope) => Array.from({ length: 4 }, () => encodeEnvelope(envelope));

    it('ends `unknown_member` once', async () => {
      b.receive(orchid, copies(offer(clock, alice, bobsTablet)));
      await clock.advance(200);
      assert.equal(b.counted.get('ended'), 1);
    });

    it('fails as the first of them does, and comes again', async () => {
      const asked = query();
      const { seen } = b.stores.inbox;
      b.stores.inbox.seen = async () => Promise.reject(new VollyError('database'));
      b.receive(orchid, copies(asked));
      await clock.advance(200);
      assert.deepEqual(b.refused, ['database', 'database', 'database', 'database']);
      b.stores.inbox.seen = seen;
      b.receive(orchid, copies(asked));
      await clock.advance(200);
      assert.equal(eventsOf(network, 'app.volly.keys.bundle').length, 1);
    });
  });
});
