/** The frame `delivered`, PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { newEnvelopeId } from '../../src/ids.ts';
import { World } from './world.ts';

describe('gateway: delivered', () => {
  it('reaches the device that is connected, and is not kept for one that is not', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    const [first, second] = [newEnvelopeId(world.random), newEnvelopeId(world.random)];
    world.directory.delivered(device.address, first);
    await world.until(() => app.events.includes(`delivered ${first}`));
    app.wires[0]?.sever();
    world.directory.delivered(device.address, second);
    await world.clock.advance(1_000);
    await world.until(() => app.events.at(-1) === 'caught-up');
    assert.equal(app.events.includes(`delivered ${second}`), false);
    assert.deepEqual(world.warnings, []);
  });
});
