import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, offer, orchid, pair, wakingFern } from './bridge.ts';

describe('a peer whose server cannot be reached', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  beforeEach(() => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
  });
  const sends = () => eventsOf(network, 'app.volly.call.candidates').reduce((sum, { encoded }) => sum + encoded.length, 0);

  /** Alice's bridge after it has found Fern cut off, with an offer that was sent into it. */
  const cutOff = async () => {
    const { a, b } = await pair(clock, network);
    network.cut = true;
    await a.send(offer(clock));
    await clock.advance(3_000);
    return { a, b };
  };

  it('is handed nothing; what never left ends definitely, and the rest goes when the server answers', async () => {
    const { a, b } = await cutOff();
    const early = message(clock, { expires: clock.now() + 10_000 });
    await a.send(early);
    await clock.advance(16_000);
    assert.deepEqual(a.ends(early.id), ['peer_unreachable']);
    const live = Array.from({ length: 20 }, () => message(clock));
    for (const envelope of live) await a.send(envelope);
    await clock.advance(5_000);
    assert.equal(sends(), 0);
    network.cut = false;
    await clock.advance(3_500);
    assert.deepEqual(
      live.map(({ id }) => b.got(id)),
      live.map(() => 1),
    );
    assert.equal(sends(), 20);
  });

  it('is sent one envelope each 30 s: it may be there and not show it', async () => {
    const { a } = await cutOff();
    for (let i = 0; i < 95; i++) {
      await a.send(message(clock));
      await clock.advance(1_000);
    }
    assert.ok(network.sent.length < 12, `${network.sent.length} requests`);
    assert.equal(sends(), 2, 'and the offer once');
  });

  it('is sent to at once when its bridge says hello', async () => {
    const { a, b } = await cutOff();
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(1_000);
    network.cut = false;
    const woken = network.woken.length;
    const time = clock.now();
    const id = newEnvelopeId(seededRandom(7));
    a.receive(fern, [encodeEnvelope({ id, type: 'app.volly.hello', from: fern, to: orchid, expires: time, time, reply: true })]);
    await clock.advance(100);
    assert.equal(b.got(envelope.id), 1);
    assert.equal(network.woken.length, woken);
  });

  it('is not held for an attempt that began before its bridge spoke', async () => {
    const { a, resolve } = await wakingFern(clock, network);
    const [id, expires] = [newEnvelopeId(seededRandom(8)), clock.now() + 30_000];
    a.receive(fern, [
      encodeEnvelope({ id, type: 'app.volly.hello', from: fern, to: orchid, expires, time: clock.now(), reply: true }),
    ]);
    await clock.advance(100);
    resolve(false);
    await clock.advance(100);
    await a.send(message(clock));
    await clock.advance(100);
    assert.equal(sends(), 1);
  });

  it('is sent to as ever while nobody can tell', async () => {
    const wake = () => Promise.reject(new VollyError('rate_limited'));
    network.attach(fern, () => {});
    const a = new Bridge({ server: orchid, clock, networks: [], carriers: [{ ...network.carrier(orchid), wake }] });
    await a.junction.start();
    await a.send(offer(clock));
    await clock.advance(10_000);
    for (let i = 0; i < 3; i++) await a.send(message(clock));
    await clock.advance(500);
    assert.equal(sends(), 3);
    assert.equal(a.junction.peers()[0]?.state, 'waiting');
  });

  it('is asked for as long as anything waits, presence and acknowledgements too', async () => {
    const { a, b } = await cutOff();
    const update = (n: number) => {
      const to = parseDeviceAddress(`dora@fern.example/PHONE${n}`);
      return message(clock, { type: 'app.volly.presence', to, expires: clock.now() + 300_000 });
    };
    for (let n = 0; n < 20; n++) await a.send(update(n));
    await clock.advance(80_000);
    assert.equal((await a.stores.outbox.all()).length, 0, 'nothing else waits any more');
    network.cut = false;
    await clock.advance(4_000);
    const acked = message(clock, { from: bob, to: alice });
    await b.send(acked);
    await clock.advance(500);
    assert.equal(b.ends(acked.id).length, 0);
    assert.equal((await b.stores.outbox.all()).length, 0, 'its acknowledgement went out at once');
    assert.equal(eventsOf(network, 'app.volly.presence').flatMap(({ encoded }) => encoded).length, 20);
  });

  it('is tried with what it acknowledges, if there is any', async () => {
    network.attach(fern, () => {});
    const a = new Bridge({
      ...{ server: orchid, clock, networks: [], devices: [alice] },
      carriers: [{ ...network.carrier(orchid), wake: async () => false }],
    });
    await a.junction.start();
    await a.send(message(clock, { expires: clock.now() + 10_000 }));
    await clock.advance(3_000);
    await a.send(message(clock, { type: 'app.volly.presence', expires: clock.now() + 300_000 }));
    await clock.advance(20_000);
    network.sent.length = 0;
    await a.send(offer(clock));
    await clock.advance(10_000);
    assert.deepEqual(
      network.sent.map(({ type }) => type),
      ['app.volly.call.offer'],
    );
  });

  it('is asked each 3 s in the first hour of a cut, however old what waits for it is, and each 30 s after', async () => {
    network.attach(fern, () => {});
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice] });
    await a.junction.start();
    const asked = async (ms: number) => {
      const before = network.woken.length;
      await clock.advance(ms);
      return network.woken.length - before;
    };
    const lasting = {
      ...message(clock),
      type: 'app.volly.presence.grant',
      quantum_key: Uint8Array.of(1),
      signature: Uint8Array.of(1),
    } as const;
    await a.send({ ...lasting, expires: clock.now() + 7 * 86_400_000 });
    await clock.advance(3_700_000);
    network.cut = true;
    await asked(310_000);
    const inThirty = await asked(30_000);
    assert.ok(inThirty >= 8, `${inThirty}`);
    await asked(3_600_000);
    assert.ok((await asked(60_000)) <= 3);
  });
});
