/** The frame `taken`: what a device had refused it has taken after all. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { World } from './world.ts';

/** As the SDK has a hangup before its offer. */
async function refusing() {
  const world = new World();
  const { app, device, user } = await world.enrolled();
  const later: (() => void)[] = [];
  app.open = async (_, taken) => {
    later.push(taken);
    throw new VollyError('overloaded');
  };
  const deliver = () => world.deliver(device.address, world.envelope(device.address, device.address));
  const inbox = () => world.boxes.get(device.address)?.length;
  return { world, app, device, user, later, deliver, inbox };
}

describe('gateway: taken', () => {
  it('takes what was refused out of the inbox, that frame and no other', async () => {
    const { world, app, device, later, deliver, inbox } = await refusing();
    for (let i = 0; i < 3; i++) deliver();
    await world.until(() => later.length === 3);
    const second = world.boxes.get(device.address)?.[1];
    later[0]?.();
    later[2]?.();
    await world.until(() => inbox() === 1);
    assert.deepEqual(world.boxes.get(device.address), [second]);
    assert.equal(app.connection.state.kind, 'online');
  });

  it('may be said before the refusal is out', async () => {
    const { world, app, later, deliver, inbox } = await refusing();
    const { open } = app;
    app.open = (envelope, taken) => {
      taken();
      return open(envelope, taken);
    };
    deliver();
    await world.until(() => later.length === 1 && inbox() === 0);
    assert.equal(app.connection.state.kind, 'online');
  });

  for (const [what, times] of [
    ['was acknowledged', 1],
    ['was taken already', 2],
  ] as const)
    it(`ends the connection where the frame ${what}`, async () => {
      const { world, app, later, deliver } = await refusing();
      const { open } = app;
      app.open = async (envelope, taken) => {
        if (times === 2) return open(envelope, taken);
        later.push(taken);
      };
      deliver();
      await world.until(() => later.length === 1);
      await world.clock.advance(10);
      for (let i = 0; i < times; i++) later[0]?.();
      await world.until(() => app.events.includes('offline bad_encoding'));
    });

  it('is about its own connection: on the next one the envelope comes again, and is acknowledged there', async () => {
    const { world, app, later, deliver, inbox } = await refusing();
    deliver();
    await world.until(() => later.length === 1);
    app.wires[0]?.sever();
    await world.clock.advance(5_000);
    await world.until(() => later.length === 2);
    later[0]?.();
    await world.clock.advance(1_000);
    assert.deepEqual([inbox(), app.connection.state.kind], [1, 'online']);
    later[1]?.();
    await world.until(() => inbox() === 0);
  });

  it('is not counted among the refusals that end a connection', async () => {
    const { world, app, later, deliver, inbox } = await refusing();
    for (let i = 0; i <= 2 * LIMITS.inboxPerDevice + 10; i++) {
      deliver();
      await world.until(() => later.length === 1);
      later.shift()?.();
      // The frames of a device have a rate.
      await world.clock.advance(100);
      await world.until(() => inbox() === 0);
    }
    assert.equal(app.wires.length, 1);
    for (let i = 0; i <= 2 * LIMITS.inboxPerDevice; i++) {
      deliver();
      await world.clock.advance(100);
    }
    await world.until(() => app.events.includes('offline overloaded'));
  });
});
