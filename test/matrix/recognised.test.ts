/** Whether the homeserver runs with this bridge's registration; on a real one in test/federation/setup.test.ts. */
import assert from 'node:assert/strict';
import { BRIDGE_DEVICE, bridgeUserOf, parseServerName } from '../../src/ids.ts';
import { HomeserverClient } from '../../src/matrix/client.ts';
import { checkRecognised } from '../../src/matrix/recognised.ts';
import { ManualClock } from '../support/clock.ts';
import { AS_TOKEN, FakeHomeserver } from '../support/fake-homeserver.ts';

const server = parseServerName('orchid.example');

describe('What the homeserver knows of the bridge', () => {
  let home: FakeHomeserver;
  beforeEach(async () => {
    home = await new FakeHomeserver(server).start();
  });
  afterEach(() => home.stop());

  const check = (asToken = AS_TOKEN, url = home.url) =>
    checkRecognised(
      new HomeserverClient({ url, asToken, userId: bridgeUserOf(server), deviceId: BRIDGE_DEVICE, clock: new ManualClock() }),
      server,
    );

  it('is its registration: the bridge user can be made, and is there the next time', async () => {
    await check();
    await check();
    assert.deepEqual([...home.users], [bridgeUserOf(server)]);
  });

  it('is nothing yet with another token, and where nobody answers', async () => {
    await assert.rejects(check('x'.repeat(64)), { code: 'wrong_token' });
    assert.deepEqual([...home.users], []);
    await home.stop();
    await assert.rejects(check(), { code: 'homeserver_absent' });
  });

  it('is another registration where the bridge user is not its own', async () => {
    home.fault = ({ path }) =>
      path.endsWith('/register') ? { status: 400, body: { errcode: 'M_EXCLUSIVE', error: 'refused' } } : undefined;
    await assert.rejects(check(), { code: 'homeserver_refused', errcode: 'M_EXCLUSIVE' });
  });

  it('is another community’s, by its name, or no homeserver at all', async () => {
    const maple = await new FakeHomeserver('maple.example').start();
    try {
      await assert.rejects(check(AS_TOKEN, maple.url), {
        code: 'bad_config',
        message: 'bad_config: homeserver.server_name is orchid.example; the homeserver says maple.example',
      });
    } finally {
      await maple.stop();
    }
    home.fault = () => ({ status: 200, body: {} });
    await assert.rejects(check(), { code: 'homeserver_refused' });
  });
});
