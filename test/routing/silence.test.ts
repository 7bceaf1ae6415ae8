import assert from 'node:assert/strict';
import { type EnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { type Bridge, eventsOf, fern, offer, orchid, pair } from './bridge.ts';

const OFFER = 'app.volly.call.offer';

describe('a silent peer', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  let b: Bridge;
  /** What Fern's homeserver has for its bridge while that does not read. */
  let kept: (readonly string[])[] | undefined;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    ({ a, b } = await pair(clock, network));
    kept = undefined;
    network.attach(fern, (_, __, encoded) => void (kept ? kept.push(encoded) : b.receive(orchid, encoded)));
  });
  /** From many, so that the inbox of one device has room for all that comes at once. */
  const offerFrom = (n: number) => offer(clock, parseDeviceAddress(`m${n % 20}@orchid.example/PHONE`));
  const talk = async (seconds: number): Promise<EnvelopeId[]> => {
    const ids: EnvelopeId[] = [];
    for (let i = 0; i < seconds * 5; i++) {
      const envelope = offerFrom(i);
      ids.push(envelope.id);
      await a.send(envelope);
      await clock.advance(200);
    }
    return ids;
  };
  const read = (): void => {
    for (const encoded of kept ?? []) b.receive(orchid, encoded);
    kept = undefined;
  };
  const sends = (): number => eventsOf(network, OFFER).reduce((sum, event) => sum + event.encoded.length, 0);
  const sendsOf = (id: EnvelopeId) => eventsOf(network, OFFER).filter(({ encoded }) => encoded.some((text) => text.includes(id)));

  it('is sent what is new, and after 2 s of all the rest one at a time: after about 1, 2, 4, 8, 8 s, and when its server answers', async () => {
    await talk(5);
    kept = [];
    const first = await talk(5);
    network.sent.length = 0;
    const later = await talk(25);
    const repeats = sends() - later.length;
    assert.ok(repeats >= 3 && repeats <= 8, `${repeats} repeats`);
    assert.ok(eventsOf(network, OFFER).every(({ encoded }) => encoded.length === 1));
    assert.ok(first.length > 20);
  });

  it('is sent nothing again of what it acknowledges once it reads, whether it is heard by an ack or a hello', async () => {
    for (const greets of [false, true]) {
      network.sent.length = 0;
      kept = [];
      const ids = await talk(30);
      if (greets) b.junction.greet();
      await clock.advance(50);
      read();
      await clock.advance(30_000);
      assert.deepEqual(await a.stores.outbox.all(), []);
      assert.ok(sends() <= 1.15 * ids.length, `${sends()} sends of ${ids.length}`);
      assert.ok(ids.every((id) => b.got(id) === 1));
    }
  });

  it('is sent all again a moment after it is heard, where the network had lost it', async () => {
    network.cut = true;
    const ids = await talk(20);
    network.cut = false;
    // It is woken each 3 s, greeted, and answers; then it has the time of a first repeat.
    await clock.advance(3_000 + 500 + 1_000 + 500);
    assert.deepEqual(
      ids.map((id) => b.got(id)).filter((times) => times !== 1),
      [],
    );
  });

  it('says nothing of the path: after it the first repeat comes as before', async () => {
    await talk(3);
    kept = [];
    await talk(30);
    read();
    await clock.advance(10_000);
    network.cut = true;
    const envelope = offerFrom(0);
    await a.send(envelope);
    await clock.advance(1_500);
    assert.equal(sendsOf(envelope.id).length, 2);
  });

  it('is woken while it says hello and acknowledges nothing: the way to it may sleep and the way back not', async () => {
    kept = [];
    await a.send(offerFrom(0));
    for (let i = 0; i < 8; i++) {
      b.junction.greet();
      await clock.advance(1_000);
    }
    assert.ok(network.woken.some(({ peer, at }) => peer === fern && at < clock.monotonic() - 2_000));
  });

  it('is none that acknowledges other envelopes: the one that is lost is repeated as ever', async () => {
    const lost = offerFrom(0);
    network.attach(fern, (_, __, encoded) => {
      const passes = encoded.filter((text) => !text.includes(lost.id));
      if (passes.length > 0) b.receive(orchid, passes);
    });
    await a.send(lost);
    await talk(20);
    const at = sendsOf(lost.id).map((event) => event.at);
    const gaps = at.slice(1).map((time, i) => time - at[i]!);
    [1_000, 2_000, 4_000, 8_000].forEach((gap, i) => {
      assert.ok(gaps[i]! <= gap * 1.15 + 300, `gap ${i}: ${gaps}`);
    });
  });

  it('has each of few repeated in turn: those that it will never acknowledge hide no other', async () => {
    const others = Array.from({ length: 6 }, (_, n) => offerFrom(n));
    const last = offerFrom(6);
    let deaf = true;
    network.attach(fern, (_, __, encoded) => {
      // Nor any hello.
      const passes = deaf ? [] : encoded.filter((text) => text.includes(last.id));
      if (passes.length > 0) b.receive(orchid, passes);
    });
    for (const envelope of [...others, last]) await a.send(envelope);
    await clock.advance(2_000);
    deaf = false;
    await clock.advance(16_000);
    assert.equal(b.got(last.id), 1);
  });
});
