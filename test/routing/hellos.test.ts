import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId } from '../../src/ids.ts';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { type Bridge, eventsOf, fern, offer, orchid, pair } from './bridge.ts';

const random = seededRandom(13);

describe('hello', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    ({ a } = await pair(clock, network));
  });
  const hello = (time: number, reply: boolean, expires = clock.now() + 30_000) =>
    encodeEnvelope({ id: newEnvelopeId(random), type: 'app.volly.hello', from: fern, to: orchid, expires, time, reply });
  const replies = () => eventsOf(network, 'app.volly.hello').filter((event) => event.from === orchid);

  it('is answered, a reply is not, and neither is acknowledged', async () => {
    a.receive(fern, [hello(clock.now(), false)]);
    await clock.advance(100);
    a.receive(fern, [hello(clock.now(), true)]);
    await clock.advance(100);
    assert.deepEqual(
      replies().map((event) => JSON.parse(event.encoded[0]!).reply),
      [true],
    );
    await clock.advance(1_000);
    assert.deepEqual(eventsOf(network, 'app.volly.ack'), []);
  });

  it('is answered some times only when it comes again and again', async () => {
    for (let i = 0; i < 50; i++) {
      a.receive(fern, [hello(clock.now(), false)]);
      await clock.advance(50);
    }
    const answers = replies().flatMap((event) => event.encoded);
    assert.ok(answers.length >= 5 && answers.length <= 6, String(answers.length));
  });

  it('shows a clock that is ahead, whatever its expires says', async () => {
    a.receive(fern, [hello(clock.now() + 21_000, false)]);
    await clock.advance(100);
    assert.deepEqual(a.warned, ['clock_skew']);
    assert.equal(a.counted.get('clock_skew'), 1);
  });

  it('does not take a hello that waited for a clock that is behind', async () => {
    a.receive(fern, [hello(clock.now() - 3_600_000, false, clock.now() - 3_570_000)]);
    await clock.advance(100);
    assert.deepEqual(a.warned, []);
    assert.equal(replies().length, 1);
  });

  it('shows a clock that is behind by the reply to a question', async () => {
    network.cut = true;
    await a.send(offer(clock));
    await clock.advance(5_000);
    network.cut = false;
    await clock.advance(4_000);
    // Fern itself has answered by now, with the right time; the reply of a question asked again is late by a minute.
    assert.deepEqual(a.warned, []);
    network.cut = true;
    await a.send(offer(clock));
    await clock.advance(5_000);
    network.attach(fern, () => {});
    network.cut = false;
    await clock.advance(4_000);
    a.receive(fern, [hello(clock.now() - 60_000, true)]);
    await clock.advance(100);
    assert.deepEqual(a.warned, ['clock_skew']);
  });

  it('sends at once what the homeserver had not taken, and after a silence the rest when that could have been acknowledged', async () => {
    const sends = () => eventsOf(network, 'app.volly.call.offer').length;
    network.cut = true;
    await a.send(offer(clock));
    await clock.advance(5_500);
    network.refusal = new VollyError('homeserver_unreachable');
    await a.send(offer(clock));
    await clock.advance(100);
    network.cut = false;
    network.refusal = undefined;
    const before = sends();
    a.receive(fern, [hello(clock.now(), true)]);
    await clock.advance(10);
    assert.equal(sends(), before + 1);
    await clock.advance(1_300);
    assert.equal(sends(), before + 2);
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('sends what was sent a moment ago only when that could have been acknowledged', async () => {
    network.attach(fern, () => {});
    await a.send(offer(clock));
    await clock.advance(3_500);
    const sends = () => eventsOf(network, 'app.volly.call.offer').length;
    assert.equal(sends(), 3);
    a.receive(fern, [hello(clock.now(), true)]);
    await clock.advance(100);
    assert.equal(sends(), 3);
    await clock.advance(1_000);
    assert.equal(sends(), 4);
  });
});
