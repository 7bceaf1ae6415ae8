/** Nothing lost, nothing out of order, whenever the cable is cut. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { seeded, settle } from '../support/clock.ts';
import { World } from './world.ts';

const RUNS = 40;
const STEPS = 200;
const WEEK = 7 * 86_400_000;

/** Ids in the order they were first seen. */
const firsts = (envelopes: readonly Envelope[]): string[] => [...new Set(envelopes.map(({ id }) => id))];

async function run(seed: number): Promise<{ cuts: number; repeats: number }> {
  const world = new World(seed);
  const dice = seeded(seed);
  const chance = (probability: number) => dice() < probability;
  const user = world.user();
  const device = user.add('PHONE', world.clock.now());
  const app = world.app(device, { auto: false, token: await world.invite(user) });
  const later = () => new Promise<void>((resolve) => world.clock.after(dice() * 50, resolve));
  // The router and the app end their work in any order.
  world.onRoute = later;
  app.open = later;
  const sent: string[] = [];
  const offered: string[] = [];
  const settled: Promise<void>[] = [];
  let cuts = 0;
  const envelope = () => ({ ...world.envelope(device.address, device.address), expires: world.clock.now() + WEEK });

  app.connection.connect();
  for (let step = 0; step < STEPS; step++) {
    const wire = app.wires.at(-1);
    if (chance(0.3)) {
      const one = envelope();
      sent.push(one.id);
      settled.push(app.connection.sendEnvelope(one));
    }
    if (chance(0.3)) {
      const one = envelope();
      offered.push(one.id);
      world.deliver(device.address, one);
    }
    if (chance(0.6)) wire?.deliver('up');
    if (chance(0.6)) wire?.deliver('down');
    if (chance(0.04) && wire && !wire.cut) {
      cuts++;
      wire.sever();
    }
    // Long enough, now and then, for the next attempt; short enough for the handshake's deadline to be met.
    await world.clock.advance(chance(0.1) ? 600 : 20);
  }
  let done = false;
  void Promise.all(settled).then(() => {
    done = true;
  });
  for (let turn = 0; turn < 2_000 && !(done && world.boxes.get(device.address)?.length === 0); turn++) {
    const wire = app.wires.at(-1);
    while (wire?.deliver('up') || wire?.deliver('down')) await settle();
    await world.clock.advance(100);
  }
  assert.ok(done, `seed ${seed}: everything sent is settled`);
  assert.deepEqual(firsts(world.routed), sent, `seed ${seed}: routed in order`);
  assert.deepEqual(firsts(app.received), offered, `seed ${seed}: received in order`);
  assert.deepEqual(world.warnings, []);
  app.connection.close();
  return { cuts, repeats: world.routed.length - sent.length + app.received.length - offered.length };
}

describe('gateway: a cable that is cut', () => {
  it(`loses nothing and keeps the order in ${RUNS} random runs`, async function () {
    this.timeout(60_000);
    let cuts = 0;
    let repeats = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const result = await run(seed);
      cuts += result.cuts;
      repeats += result.repeats;
    }
    // The property would hold of a test that never cuts.
    assert.ok(cuts > RUNS, `${cuts} cuts`);
    assert.ok(repeats > 0, 'something had to be sent again');
  });

  it('sends nothing twice on a connection that holds', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const sent = Array.from({ length: 600 }, () => world.envelope(device.address, device.address));
    const settled = Promise.all(sent.map((one) => app.connection.sendEnvelope(one)));
    // 200 at once, then 50 a second: the gateway stops reading for as long as that takes.
    await world.clock.advance(15_000);
    await settled;
    assert.deepEqual(
      world.routed.map(({ id }) => id),
      sent.map(({ id }) => id),
    );
  });
});
