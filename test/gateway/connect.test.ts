import assert from 'node:assert/strict';
import { World } from './world.ts';

describe('gateway: an app', () => {
  it('enrols with an invite and comes online', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    assert.deepEqual(app.events, ['connecting', 'online', 'caught-up']);
    assert.ok(world.directory.isOnline(device.address));
    assert.equal(world.warnings.length, 0, world.warnings.join());
  });
});
