import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId } from '../../src/ids.ts';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { Bridge, eventsOf, fern, message, offer, orchid, pair } from './bridge.ts';

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
});
