import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, offer, orchid } from './bridge.ts';

const CANDIDATES = 'app.volly.call.candidates';

describe('requests to a peer', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  /** Only Orchid runs: Fern is there and answers nothing. */
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    network.attach(fern, () => {});
    a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice] });
    await a.junction.start();
  });

  it('asks a failing homeserver ever less often, and no sooner than it wants', async () => {
    network.refusal = Object.assign(new VollyError('rate_limited'), { retryAfterMs: 20_000 });
    await a.send(message(clock));
    await clock.advance(3_000);
    await a.send(message(clock));
    assert.equal(network.sent.length, 1);
    network.refusal = undefined;
    await clock.advance(18_000);
    // A trial, and when that has gone well the other.
    assert.deepEqual(
      eventsOf(network, CANDIDATES).map((event) => event.encoded.length),
      [1, 1, 1],
    );
  });

  it('waits as long as it was asked to and no longer, whoever says meanwhile that the peer is there', async () => {
    network.refusal = Object.assign(new VollyError('rate_limited'), { retryAfterMs: 2_000 });
    await a.send(message(clock));
    await clock.advance(10);
    network.refusal = undefined;
    for (let i = 0; i < 5; i++) {
      const id = newEnvelopeId(seededRandom(i));
      const hello = {
        id,
        type: 'app.volly.hello',
        from: fern,
        to: orchid,
        expires: clock.now() + 30_000,
        time: clock.now(),
        reply: true,
      } as const;
      a.receive(fern, [encodeEnvelope(hello)]);
      await clock.advance(300);
    }
    assert.equal(eventsOf(network, CANDIDATES).length, 1);
    await clock.advance(750);
    assert.equal(eventsOf(network, CANDIDATES).length, 2);
  });

  it('tries a homeserver that hangs or fails with one envelope at a time, and sends the rest when that has gone well', async () => {
    const b = new Bridge({ server: fern, clock, networks: [network], devices: [bob] });
    await b.junction.start();
    for (const trouble of ['hangs', 'fails'] as const) {
      network.sent.length = 0;
      let sent = 0;
      const talk = async (seconds: number) => {
        for (let i = 0; i < seconds * 10; i++, sent++) {
          // From many, so that the inbox of one device has room for all that comes at once.
          await a.send(offer(clock, parseDeviceAddress(`m${sent % 20}@orchid.example/PHONE`)));
          await clock.advance(100);
        }
      };
      await talk(10);
      if (trouble === 'hangs') network.hanging = true;
      else network.refusal = new VollyError('homeserver_unreachable');
      await talk(30);
      network.hanging = false;
      network.refusal = undefined;
      await talk(10);
      await clock.advance(20_000);
      const sends = eventsOf(network, 'app.volly.call.offer').reduce((sum, event) => sum + event.encoded.length, 0);
      assert.ok(sends / sent <= 1.2, `${trouble}: ${sends} sends of ${sent}`);
      assert.equal(new Set(b.delivered.map(({ id }) => id)).size, b.delivered.length);
      assert.equal(b.delivered.length, sent);
      b.delivered.length = 0;
    }
  });

  it('sends at once when idle, one request at a time, and fills the next with what queued meanwhile', async () => {
    const first = a.send(message(clock));
    await clock.advance(1);
    assert.equal(network.sent.length, 1);
    await Promise.all([first, ...Array.from({ length: 20 }, () => a.send(message(clock)))]);
    await a.send(message(clock, { type: 'app.volly.call.hangup' }));
    await clock.advance(2);
    assert.equal(network.sent.length, 1);
    await clock.advance(20);
    assert.deepEqual(
      network.sent.map((event) => [event.type, event.encoded.length]),
      [
        [CANDIDATES, 1],
        [CANDIDATES, 20],
        ['app.volly.call.hangup', 1],
      ],
    );
    assert.equal(network.busiest, 1);
  });

  it('lets what sets up a call pass, in one more request', async () => {
    await a.send(message(clock));
    await clock.advance(1);
    await Promise.all([a.send(message(clock)), a.send(offer(clock)), a.send(offer(clock))]);
    await clock.advance(1);
    await a.send(offer(clock));
    await clock.advance(1);
    const OFFER = 'app.volly.call.offer';
    assert.deepEqual(
      network.sent.map((event) => [event.type, event.encoded.length]),
      [
        [CANDIDATES, 1],
        [OFFER, 2],
      ],
    );
    await clock.advance(100);
    assert.equal(network.busiest, 2);
    assert.equal(eventsOf(network, OFFER).length, 2);
  });

  it('sends ringing a moment later, behind an answer that came at once, and never twice for that', async () => {
    await a.send(message(clock, { type: 'app.volly.call.ringing' }));
    await clock.advance(45);
    assert.equal(network.sent.length, 0);
    await clock.advance(10);
    assert.equal(network.sent.length, 1);
    await a.send(message(clock, { type: 'app.volly.call.ringing' }));
    await a.junction.stop();
    await clock.advance(500);
    assert.equal(network.sent.length, 1);
    assert.equal(clock.timers, 0);
  });

  it('opens more requests only while whole events wait, four at most', async () => {
    await Promise.all(Array.from({ length: 40 }, () => a.send(message(clock, { bytes: 20_000 }))));
    await clock.advance(1);
    assert.equal(network.sent.length, LIMITS.requestsPerPeer);
    await clock.advance(100);
    assert.equal(network.busiest, LIMITS.requestsPerPeer);
    assert.ok(network.sent.every((event) => event.encoded.join('').length <= LIMITS.eventBytes));
  });

  it('replaces a queued presence update by a newer one and never repeats it', async () => {
    await a.send(message(clock));
    const presence = () => message(clock, { type: 'app.volly.presence', expires: clock.now() + 60_000 });
    const [first, second] = [presence(), presence()];
    await clock.advance(1);
    await a.send(first);
    await a.send(second);
    await clock.advance(20_000);
    const events = eventsOf(network, 'app.volly.presence');
    assert.equal(events.length, 1);
    assert.deepEqual(
      events[0]!.encoded.map((text) => JSON.parse(text).id),
      [second.id],
    );
    assert.ok((await a.stores.outbox.all()).every((row) => row.type !== 'app.volly.presence'));
  });

  it('drops presence that could not be sent, and keeps account of what waits', async () => {
    network.refusal = new VollyError('homeserver_refused');
    const presence = () => message(clock, { type: 'app.volly.presence', expires: clock.now() + 60_000 });
    await a.send(presence());
    await clock.advance(100);
    await a.send(presence());
    await clock.advance(5_000);
    assert.equal(network.sent.length, 2);
    assert.deepEqual(a.junction.load(), { peers: 0, bytes: 0 });
    network.refusal = undefined;
    const envelope = message(clock);
    await a.send(envelope);
    assert.equal(a.junction.load().bytes, (await a.stores.outbox.all())[0]!.encoded.length);
  });
});
