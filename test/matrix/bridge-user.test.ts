import assert from 'node:assert/strict';
import { FakeHomeserver } from '../support/fake-homeserver.ts';
import { accessOf, clientOf, ORCHID } from './fake-world.ts';
import { Lines } from './receiver-contract.ts';

describe('bridge user', () => {
  let home: FakeHomeserver;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
  });
  afterEach(() => home.stop());

  it('gets user, device and display name, as often as asked', async () => {
    const access = accessOf(clientOf(home));
    await access.prepare();
    await access.prepare();
    assert.deepEqual([...home.devices], ['@_volly.bridge:orchid.example/VOLLY']);
    assert.equal(home.profiles.get('@_volly.bridge:orchid.example'), 'Volly bridge');
    const { body } = home.requests.find(({ path }) => path.endsWith('/register'))!;
    assert.deepEqual(JSON.parse(body), { type: 'm.login.application_service', username: '_volly.bridge', inhibit_login: true });
    assert.equal(access.state?.named, true);
  });

  it('does without a display name where the homeserver forbids it', async () => {
    const lines = new Lines();
    home.fault = ({ method, path }) =>
      method === 'PUT' && path.includes('/profile/') ? { status: 403, body: { errcode: 'M_FORBIDDEN' } } : undefined;
    const access = accessOf(clientOf(home), { log: lines });
    await access.prepare();
    assert.match(lines.lines[0] ?? '', /no display name: homeserver_refused: profile answered 403 M_FORBIDDEN/);
    assert.equal(access.state?.named, false);
  });
});
