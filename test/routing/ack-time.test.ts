import assert from 'node:assert/strict';
import type { EnvelopeId } from '../../src/ids.ts';
import { AckTime } from '../../src/routing/ack-time.ts';
import { type Entry, entryOf } from '../../src/routing/entries.ts';
import { ManualClock } from '../support/clock.ts';
import { type Faults, SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, orchid, pair } from './bridge.ts';

const CANDIDATES = 'app.volly.call.candidates';

describe('the time a peer takes to acknowledge', () => {
  const entry = (sentAt: number | undefined, tries = 1): Entry => ({
    ...entryOf({ id: '' as EnvelopeId, peer: fern, type: CANDIDATES, from: alice, to: bob, expires: 0, encoded: '' }, 0),
    ...{ acked: true, tries, ...(sentAt === undefined ? {} : { sentAt }) },
  });
  const firstRepeat = (...times: readonly number[]): number => {
    const time = new AckTime();
    for (const ms of times) time.acknowledged([entry(0)], ms);
    return time.firstRepeatMs;
  };

  it('sets the first repeat: 1 s on any fast path, as RFC 6298 says on a slow one, never past 8 s', () => {
    assert.equal(firstRepeat(), 1_000);
    assert.equal(firstRepeat(120, 150, 130), 1_000);
    // Mean 1 s, deviation 0.5 s.
    assert.equal(firstRepeat(1_000), 3_000);
    // Deviation ¾ · 500 + ¼ · 200, mean ⅞ · 1,000 + ⅛ · 1,200.
    assert.equal(firstRepeat(1_000, 1_200), 1_025 + 4 * 425);
    assert.equal(firstRepeat(9_000), 8_000);
  });

  it('leaves the jitter its room where acks are as regular as a clock', () => {
    const first = firstRepeat(...Array.from({ length: 60 }, () => 2_000));
    assert.equal(first, 3_000);
    assert.ok(first * 0.85 > 2_000);
  });

  it('counts an ack once, by what waited longest, and not what was sent too often to tell', () => {
    const time = new AckTime();
    time.acknowledged([entry(900), entry(0), entry(undefined), entry(-5_000, 4)], 1_000);
    assert.equal(time.firstRepeatMs, 3_000);
    time.acknowledged([entry(undefined)], 9_000);
    assert.equal(time.firstRepeatMs, 3_000);
  });

  it('is forgotten soon after a time that was bad', () => {
    const normal = [150, 150, 150];
    const bad = firstRepeat(...normal, 8_000);
    assert.ok(bad > 5_000);
    assert.equal(firstRepeat(...normal, 8_000, ...Array.from({ length: 20 }, () => 150)), 1_000);
  });
});

describe('repeats', () => {
  /** One envelope each 700 ms; how often those from the tenth on were sent. */
  const sendsAnEnvelope = async (faults: Faults): Promise<number> => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock, 5, faults);
    const { a, b } = await pair(clock, network);
    for (let i = 0; i < 110; i++) {
      if (i === 10) network.sent.length = 0;
      await a.send(message(clock));
      await clock.advance(700);
    }
    await clock.advance(20_000);
    assert.equal(b.delivered.length, 110);
    return eventsOf(network, CANDIDATES).reduce((sum, event) => sum + event.encoded.length, 0) / 100;
  };

  it('are none where acks are only slow', async () => {
    for (const delayMs of [
      [450, 450],
      [700, 700],
      [1_500, 1_500],
      [400, 900],
    ] as const)
      assert.ok((await sendsAnEnvelope({ delayMs })) <= 1.1, String(delayMs));
  });

  it('are few where a homeserver takes its time, and where it does and the path is slow too', async () => {
    assert.ok((await sendsAnEnvelope({ acceptMs: 1_500 })) <= 1.1);
    assert.ok((await sendsAnEnvelope({ acceptMs: 600, delayMs: [500, 800] })) <= 1.1);
  });

  it('come after 1 s on a fast path, also when the peer has been idle', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const { a } = await pair(clock, network);
    for (let i = 0; i < 5; i++) {
      await a.send(message(clock));
      await clock.advance(1_000);
    }
    network.cut = true;
    network.sent.length = 0;
    await a.send(message(clock));
    await clock.advance(1_500);
    const [first, second] = eventsOf(network, CANDIDATES);
    assert.ok(first && second && second.at - first.at <= 1_000 * 1.15 + 260);
  });

  it('remember a slow path while nothing waits for it', async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock, 1, { delayMs: [1_000, 1_000] });
    const a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice] });
    const b = new Bridge({ server: fern, clock, networks: [network], devices: [bob] });
    await Promise.all([a.junction.start(), b.junction.start()]);
    await a.send(message(clock));
    await clock.advance(60_000);
    assert.deepEqual(a.junction.load(), { peers: 0, bytes: 0 });
    network.sent.length = 0;
    await a.send(message(clock));
    await clock.advance(20_000);
    assert.equal(eventsOf(network, CANDIDATES).length, 1);
  });
});
