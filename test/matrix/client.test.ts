import assert from 'node:assert/strict';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { ensureBridgeUser } from '../../src/matrix/bridge-user.ts';
import type { HomeserverClient } from '../../src/matrix/client.ts';
import { ping } from '../../src/matrix/ping.ts';
import { ToDeviceCarrier } from '../../src/matrix/to-device.ts';
import { FakeHomeserver, type Fault } from '../support/fake-homeserver.ts';
import { clientOf, IRIS, ORCHID } from './fake-world.ts';
import { HELLO, Lines, silent } from './receiver-contract.ts';

const once = (answer: ReturnType<Fault>): Fault => {
  let left = 1;
  return () => (left-- > 0 ? answer : undefined);
};

describe('homeserver client', () => {
  let home: FakeHomeserver;
  let client: HomeserverClient;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
    home.devices.add('@_volly.bridge:orchid.example/VOLLY');
    client = clientOf(home);
  });
  afterEach(() => home.stop());
  const get = (extra: object = {}) =>
    client.request({ method: 'GET', step: 'profile', path: '/_matrix/client/v3/profile/x/displayname', ...extra });

  it('speaks for the bridge user and its device', async () => {
    await get().catch(() => {});
    assert.equal(home.requests[0]?.query.get('user_id'), '@_volly.bridge:orchid.example');
    assert.equal(home.requests[0]?.query.get('device_id'), 'VOLLY');
    await get({ as: 'service' }).catch(() => {});
    assert.equal(home.requests[1]?.query.get('user_id'), null);
  });

  for (const [name, answer, code] of [
    ['a refusal', { status: 403, body: { errcode: 'M_FORBIDDEN' } }, 'homeserver_refused'],
    ['an unknown token', { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } }, 'wrong_token'],
    ['a proxy without its homeserver', { status: 502, body: 'Bad gateway' }, 'homeserver_unreachable'],
    ['a rate limit', { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 70 } }, 'rate_limited'],
    ['an answer that was cut short', 'cut', 'homeserver_unreachable'],
    [
      'a redirect, which would carry the token elsewhere',
      { status: 302, body: {}, headers: { location: 'http://127.0.0.1:1/' } },
      'homeserver_unreachable',
    ],
    ['an errcode that is none', { status: 400, body: { errcode: 'a b\nc' } }, 'homeserver_refused'],
  ] as const) {
    it(`maps ${name} to ${code}`, async () => {
      home.fault = once(answer);
      await assert.rejects(
        get(),
        (error: { code: string; message: string }) => error.code === code && !/\n|a b/.test(error.message),
      );
    });
  }

  it('maps a homeserver that is down, and one that hangs', async () => {
    home.fault = once('hang');
    await assert.rejects(get({ timeoutMs: 50 }), { code: 'homeserver_unreachable', message: /no answer in time/ });
    await home.stop();
    await assert.rejects(get(), { code: 'homeserver_unreachable', message: /ECONNREFUSED/ });
  });

  it('stops waiting when it is told to', async () => {
    home.fault = once('hang');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(get({ signal: abort.signal }), { code: 'shutting_down' });
    await assert.rejects(get({ signal: abort.signal }), { code: 'shutting_down' });
  });

  it('reads no further than the cap', async () => {
    home.fault = once({ status: 200, body: 'x'.repeat(5_000) });
    await assert.rejects(get({ maxBytes: 1_000 }), { code: 'too_large' });
  });

  it('does not ask again before the time that a 429 names, and then does', async () => {
    home.fault = once({ status: 429, body: { retry_after_ms: 80 } });
    const begun = performance.now();
    await assert.rejects(get(), { code: 'rate_limited', retryAfterMs: 80 });
    await assert.rejects(get(), { code: 'rate_limited' });
    assert.equal(home.requests.length, 1);
    await client.request({ method: 'POST', step: 'keys/query', path: '/_matrix/client/v3/keys/query', body: '{}' }); // another step goes on
    await new Promise((resolve) => setTimeout(resolve, 90 - (performance.now() - begun)));
    await assert.rejects(get(), { code: 'homeserver_unreachable' });
    assert.equal(home.requests.length, 3);
  });

  it('reads Retry-After, and distrusts nonsense', async () => {
    for (const [answer, ms] of [
      [{ status: 429, body: {}, headers: { 'retry-after': '2' } }, 2_000],
      [{ status: 429, body: { retry_after_ms: 'soon' } }, 1_000],
      [{ status: 429, body: { retry_after_ms: -5 } }, 1_000],
      [{ status: 429, body: { retry_after_ms: 1e12 } }, 600_000],
    ] as const) {
      client = clientOf(home);
      home.fault = once(answer);
      await assert.rejects(get(), { retryAfterMs: ms });
    }
  });

  it('turns every hostile answer into a VollyError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 200, max: 599 }), fc.jsonValue(), async (status, body) => {
        if (status === 204 || status === 205 || status === 304) return;
        home.fault = once({ status, body });
        client = clientOf(home);
        await get().then(
          () => assert.ok(status < 300),
          (error) => assert.match(error.code, /^(homeserver_|rate_limited|wrong_token)/),
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('bridge user', () => {
  let home: FakeHomeserver;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
  });
  afterEach(() => home.stop());

  it('gets user, device and display name, as often as asked', async () => {
    const client = clientOf(home);
    await ensureBridgeUser(client, ORCHID, silent);
    await ensureBridgeUser(client, ORCHID, silent);
    assert.deepEqual([...home.devices], ['@_volly.bridge:orchid.example/VOLLY']);
    assert.equal(home.profiles.get('@_volly.bridge:orchid.example'), 'Volly bridge');
    const { body } = home.requests.find(({ path }) => path.endsWith('/register'))!;
    assert.deepEqual(JSON.parse(body), { type: 'm.login.application_service', username: '_volly.bridge', inhibit_login: true });
  });

  it('does without a display name where the homeserver forbids it', async () => {
    const lines = new Lines();
    home.fault = ({ method, path }) =>
      method === 'PUT' && path.includes('/profile/') ? { status: 403, body: { errcode: 'M_FORBIDDEN' } } : undefined;
    await ensureBridgeUser(clientOf(home), ORCHID, lines);
    assert.match(lines.lines[0] ?? '', /no display name: homeserver_refused: profile answered 403 M_FORBIDDEN/);
  });

  it('pings, and says what is wrong when the homeserver cannot call back', async () => {
    const lines = new Lines();
    assert.equal(await ping(clientOf(home), 'volly', lines), true);
    assert.ok(home.requests[0]?.path.endsWith('/v1/appservice/volly/ping'));
    home.pingAnswer = { status: 502, body: { errcode: 'M_CONNECTION_FAILED' } };
    assert.equal(await ping(clientOf(home), 'volly', lines), false);
    assert.match(lines.lines[0] ?? '', /cannot reach this bridge at appservice.url.*M_CONNECTION_FAILED/);
  });
});

describe('to-device carrier', () => {
  let home: FakeHomeserver;
  let carrier: ToDeviceCarrier;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
    await ensureBridgeUser(clientOf(home), ORCHID, silent);
    carrier = new ToDeviceCarrier({ client: clientOf(home), clock: systemClock });
    home.requests.length = 0;
  });
  afterEach(() => home.stop());
  const queries = () => home.count('POST', '/keys/query');
  const probes = () => home.count('GET', '/profile/');

  it('sends the bytes it was given to the peer’s bridge user, each time under another id', async () => {
    const encoded = ['{"id":"a","x":1.0}', '{ "id":"b" }'];
    await carrier.send(IRIS, HELLO, encoded);
    await carrier.send(IRIS, HELLO, encoded);
    const [first, second] = home.requests;
    assert.equal(first?.body, `{"messages":{"@_volly.bridge:iris.example":{"VOLLY":{"envelopes":[${encoded.join(',')}]}}}}`);
    assert.match(first?.path ?? '', /\/sendToDevice\/app\.volly\.hello\/[0-9a-f-]{36}$/);
    assert.notEqual(first?.path, second?.path);
  });

  it('rejects with what the homeserver said', async () => {
    home.fault = once({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    await assert.rejects(carrier.send(IRIS, HELLO, ['{}']), { code: 'homeserver_refused', errcode: 'M_TOO_LARGE' });
    await home.stop();
    await assert.rejects(carrier.send(IRIS, HELLO, ['{}']), { code: 'homeserver_unreachable' });
  });

  it('wakes with one key query an outage, then probes the profile', async () => {
    assert.equal(await carrier.wake(IRIS), false);
    assert.equal(await carrier.wake(IRIS), false);
    assert.deepEqual([queries(), probes()], [1, 2]);
    const peer = new FakeHomeserver(IRIS);
    peer.profiles.set('@_volly.bridge:iris.example', 'Volly bridge');
    home.peers.set(IRIS, peer);
    assert.equal(await carrier.wake(IRIS), true);
    assert.deepEqual([queries(), probes()], [1, 3]);
    home.peers.delete(IRIS);
    assert.equal(await carrier.wake(IRIS), false);
    assert.equal(queries(), 2, 'the next outage is a new one');
  });

  it('counts a server as awake that answers that it shows no such profile', async () => {
    home.peers.set(IRIS, new FakeHomeserver(IRIS));
    assert.equal(await carrier.wake(IRIS), true);
  });

  it('does not let a key query that hangs hold up the probe', async () => {
    home.fault = ({ path }) => (path.endsWith('/keys/query') ? 'hang' : undefined);
    const begun = performance.now();
    assert.equal(await carrier.wake(IRIS), false);
    assert.ok(performance.now() - begun < 4_000);
    assert.equal(probes(), 1);
  });
});
