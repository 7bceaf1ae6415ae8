/** Windows, back-pressure, refusals, pings. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { World } from './world.ts';

const never = () => new Promise<void>(() => {});

describe('gateway: windows', () => {
  it('has at most 256 envelopes under way to a device, and says caught up after all that waited', async () => {
    const world = new World();
    const { app, device, user } = await world.enrolled();
    app.connection.close();
    const waiting = Array.from({ length: 300 }, () => world.envelope(device.address, device.address));
    world.boxes.set(device.address, waiting);
    let open: (() => void)[] = [];
    const back = world.app(user.devices[0] as typeof device);
    back.open = () => new Promise((resolve) => open.push(resolve));
    back.connection.connect();
    await world.until(() => back.received.length === LIMITS.unackedFrames);
    assert.equal(back.events.includes('caught-up'), false);
    for (const resolve of open.splice(0)) resolve();
    open = [];
    await world.until(() => back.events.includes('caught-up'));
    assert.deepEqual(
      back.received.map(({ id }) => id),
      waiting.map(({ id }) => id),
    );
  });

  it('has at most 256 envelopes under way from a device', async () => {
    const world = new World();
    world.onRoute = never;
    const { app, device } = await world.enrolled();
    for (let i = 0; i < 300; i++)
      void app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch(() => {});
    await world.clock.advance(10_000);
    assert.equal(world.routed.length, LIMITS.unackedFrames);
    assert.equal(app.connection.state.kind, 'online');
    app.connection.close();
  });

  it('settles in order what ends in any order', async () => {
    const world = new World();
    const ends: (() => void)[] = [];
    world.onRoute = () => new Promise((resolve) => ends.push(resolve));
    const { app, device } = await world.enrolled();
    const settled: number[] = [];
    for (const at of [0, 1, 2])
      void app.connection.sendEnvelope(world.envelope(device.address, device.address)).then(() => settled.push(at));
    await world.until(() => ends.length === 3);
    ends[2]?.();
    ends[1]?.();
    await world.clock.advance(100);
    assert.deepEqual(settled, []);
    ends[0]?.();
    await world.until(() => settled.length === 3);
    assert.deepEqual(settled, [0, 1, 2]);
  });

  it('tells the sender a refusal with its code, in its turn', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const codes = ['', 'denied_by_policy', '', 'overloaded'] as const;
    world.onRoute = async (envelope) => {
      const code = codes[sent.findIndex(({ id }) => id === envelope.id)];
      if (code) throw new VollyError(code);
    };
    const sent = codes.map(() => world.envelope(device.address, device.address));
    const results = await Promise.allSettled(sent.map((one) => app.connection.sendEnvelope(one)));
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? '' : result.reason.code)),
      codes,
    );
  });

  it('refuses what is malformed or of another sender, and closes on a flood of it', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const other = world.user('bob').add('PHONE', world.clock.now());
    const code = () =>
      app.connection.sendEnvelope(world.envelope(other.address, device.address)).then(
        () => 'ok',
        (error) => error.code,
      );
    assert.equal(await code(), 'wrong_sender');
    assert.equal(world.routed.length, 0);
    for (let i = 0; i < 15; i++) assert.equal(await code(), 'wrong_sender');
    void code();
    await world.until(() => app.events.at(-1) === 'offline rate_limited');
    app.connection.close();
  });

  it('offers again, after the next connect, what the app could not take', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    app.open = async () => {
      throw new VollyError('overloaded');
    };
    world.deliver(device.address, world.envelope(device.address, device.address));
    world.deliver(device.address, world.envelope(device.address, device.address));
    await world.until(() => app.received.length === 2);
    await world.clock.advance(1_000);
    assert.equal(app.received.length, 2, 'not on this connection');
    app.open = async () => {};
    app.wires[0]?.sever();
    await world.clock.advance(1_000);
    await world.until(() => app.received.length === 4);
    await world.until(() => world.boxes.get(device.address)?.length === 0);
  });

  it('says what goes to a socket, and of what waits for the window or for the device that it does not', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    app.open = () => new Promise(() => {});
    const ids = Array.from({ length: LIMITS.unackedFrames + 5 }, () => {
      const envelope = world.envelope(device.address, device.address);
      world.deliver(device.address, envelope);
      return envelope.id;
    });
    await world.clock.advance(100);
    assert.deepEqual(world.handed, ids.slice(0, LIMITS.unackedFrames));
    assert.equal(app.received.length, LIMITS.unackedFrames);
  });

  it('reads again from the mailbox what a full queue left there', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    let open: (() => void)[] = [];
    app.open = () => new Promise((resolve) => open.push(resolve));
    const all = Array.from({ length: 900 }, () => world.envelope(device.address, device.address));
    for (const one of all) world.deliver(device.address, one);
    for (let round = 0; round < 20; round++) {
      await world.clock.advance(100);
      for (const resolve of open.splice(0)) resolve();
    }
    open = [];
    assert.deepEqual(
      app.received.map(({ id }) => id),
      all.map(({ id }) => id),
    );
  });
});

describe('gateway: back-pressure', () => {
  it('sends no more than a megabyte into a socket that does not drain', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const wire = app.wires[0];
    assert.ok(wire);
    wire.hold = true;
    const large = () => ({ ...world.envelope(device.address, device.address), sealed: new Uint8Array(30_000) });
    for (let i = 0; i < 200; i++) world.deliver(device.address, large());
    await world.clock.advance(100);
    const queued = wire.gateway.bufferedAmount;
    assert.ok(queued > 900_000 && queued <= LIMITS.socketBufferBytes + 65_536, `${queued} bytes`);
    wire.hold = false;
    wire.gateway.resume();
    await world.until(() => app.received.length === 200);
  });

  it('does not read from a device that does not read', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const wire = app.wires[0];
    assert.ok(wire);
    wire.hold = true;
    for (let i = 0; i < 100; i++)
      world.deliver(device.address, { ...world.envelope(device.address, device.address), sealed: new Uint8Array(30_000) });
    await world.clock.advance(10);
    void app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch(() => {});
    await world.clock.advance(10);
    assert.ok(wire.paused);
    wire.hold = false;
    while (wire.deliver('down'));
    assert.equal(wire.paused, false);
  });
});

describe('gateway: pings', () => {
  it('keeps a quiet connection', async () => {
    const world = new World();
    const { app } = await world.enrolled();
    await world.clock.advance(20 * LIMITS.pingMs);
    assert.equal(app.connection.state.kind, 'online');
    assert.equal(app.wires.length, 1);
  });

  for (const side of ['gateway', 'app'] as const)
    it(`ends one that is silent for two heartbeats (${side})`, async () => {
      const world = new World();
      const { app, device } = await world.enrolled();
      const wire = app.wires[0];
      assert.ok(wire);
      wire.tamper = () => undefined;
      // A gateway that is gone altogether closes nothing.
      if (side === 'app') wire.gateway.close = () => {};
      await world.clock.advance(2 * LIMITS.pingMs - 1);
      assert.equal(app.connection.state.kind, 'online');
      await world.clock.advance(1);
      if (side === 'app') assert.ok(app.events.includes('offline timed_out'));
      else assert.equal(wire.closedWith, 'timed_out');
      assert.equal(world.directory.isOnline(device.address), false);
    });

  it('changes keys each hour, unnoticed', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    for (let hour = 0; hour < 3; hour++) {
      await world.clock.advance(LIMITS.keyLifeMs);
      await app.connection.sendEnvelope(world.envelope(device.address, device.address));
    }
    assert.equal(world.routed.length, 3);
    assert.equal(app.wires.length, 1);
  });
});
