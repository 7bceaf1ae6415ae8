/** A connection that carries nothing any more and is not closed: both ends find out, and nothing is lost or doubled. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import type { Wire } from './wire.ts';
import { World } from './world.ts';

const WEEK = 7 * 86_400_000;
const TWO_BEATS = 2 * LIMITS.pingMs;

/** Neither end hears the other, nor that it closed. */
function silence(wire: Wire | undefined): void {
  if (!wire) throw new Error('no wire');
  wire.tamper = () => undefined;
  wire.gateway.close = () => {};
  wire.client.close = () => {};
}

describe('gateway: a half-open connection', () => {
  const lasting = (world: World, device: Parameters<World['envelope']>[0]) => ({
    ...world.envelope(device, device),
    expires: world.clock.now() + WEEK,
  });

  it('is found by the gateway within two heartbeats, though its app says nothing ever again', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    await world.clock.advance(3 * LIMITS.pingMs);
    silence(app.wires[0]);
    app.connection.close();
    await world.clock.advance(TWO_BEATS);
    assert.equal(world.directory.isOnline(device.address), false);
  });

  it('is found by the app within two heartbeats; it resumes, and what either side had sent arrives once, in order', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const [up, down]: [string[], string[]] = [[], []];
    const settled: Promise<void>[] = [];
    const say = () => {
      const [one, other] = [lasting(world, device.address), lasting(world, device.address)];
      up.push(one.id);
      down.push(other.id);
      settled.push(app.connection.sendEnvelope(one));
      world.deliver(device.address, other);
    };
    say();
    await world.clock.advance(1_000);
    silence(app.wires[0]);
    for (let second = 0; second < TWO_BEATS / 1_000; second++) {
      say();
      await world.clock.advance(1_000);
    }
    assert.ok(app.events.includes('offline timed_out'));
    say();
    await world.clock.advance(5_000);
    await Promise.all(settled);
    assert.equal(app.events.at(-1), 'caught-up');
    assert.ok(app.events.includes('online resumed'));
    assert.deepEqual(world.routed.map(({ id }) => id), up); // biome-ignore format: beside the next
    assert.deepEqual(app.received.map(({ id }) => id), down); // biome-ignore format: beside the one before
    assert.deepEqual(world.boxes.get(device.address), []);
  });

  it('is left at once by an app that knows better; the gateway has one connection of the device', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    silence(app.wires[0]);
    app.connection.reconnect();
    await world.until(() => app.events.at(-1) === 'caught-up' && app.wires.length === 2);
    assert.deepEqual(app.events.slice(-4), ['offline shutting_down', 'connecting', 'online resumed', 'caught-up']);
    // The old one ends, and the new one stays in its place.
    await world.clock.advance(10 * LIMITS.pingMs);
    assert.ok(world.directory.isOnline(device.address));
    assert.equal(app.wires.length, 2);
  });

  it('and a wait for the next attempt is cut short by it', async () => {
    const world = new World();
    let down = false;
    const { app } = await world.enrolled('alice', {
      onWire: () => {
        if (down) throw new Error('no network');
      },
    });
    down = true;
    app.wires[0]?.sever();
    for (let i = 0; i < 10; i++) await world.clock.advance(10_000);
    down = false;
    app.connection.reconnect();
    await world.until(() => app.connection.state.kind === 'online');
    app.connection.close();
    app.connection.reconnect();
    assert.equal(app.connection.state.kind, 'closed');
  });
});
