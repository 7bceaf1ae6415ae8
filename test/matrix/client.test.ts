import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import type { HomeserverClient } from '../../src/matrix/client.ts';
import { lostRequest } from '../../src/matrix/failure.ts';
import { FakeHomeserver, type Fault } from '../support/fake-homeserver.ts';
import { clientOf, ORCHID } from './fake-world.ts';

const first = (answer: ReturnType<Fault>): Fault => {
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

  it('speaks for the bridge user, its device, or the service', async () => {
    const spoken = async (as?: string) => {
      await get(as === undefined ? {} : { as }).catch(() => {});
      const { query } = home.requests.at(-1)!;
      return [query.get('user_id'), query.get('device_id')];
    };
    const user = '@_volly.bridge:orchid.example';
    assert.deepEqual(await spoken(), [user, null]);
    assert.deepEqual(await spoken('device'), [user, 'VOLLY']);
    assert.deepEqual(await spoken('service'), [null, null]);
    client.useLogin('a token of its own');
    assert.deepEqual(await spoken('device'), [null, null]);
    await assert.rejects(
      get({ as: 'device' }),
      { code: 'homeserver_refused', errcode: 'M_UNKNOWN_TOKEN' },
      'another login mends it',
    );
    assert.deepEqual(await spoken(), [user, null]);
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
      home.fault = first(answer);
      await assert.rejects(
        get(),
        (error: { code: string; message: string }) => error.code === code && !/\n|a b/.test(error.message),
      );
    });
  }

  it('maps a homeserver that is down, and one that hangs', async () => {
    home.fault = first('hang');
    await assert.rejects(get({ timeoutMs: 50 }), { code: 'homeserver_unreachable', message: /no answer in time/ });
    await home.stop();
    await assert.rejects(get(), { code: 'homeserver_absent', message: /ECONNREFUSED/ });
  });

  for (const host of ['127.0.0.1', 'localhost', 'nowhere.invalid']) {
    it(`is certain that nothing left where no connection came about: ${host}`, async () => {
      await home.stop();
      client = clientOf({ url: home.url.replace('127.0.0.1', host), serverName: ORCHID });
      await assert.rejects(get(), { code: 'homeserver_absent', certain: true });
    });
  }

  it('is certain of a name with several addresses only where none of them was reached', () => {
    const refused = Object.assign(new Error(), { code: 'ECONNREFUSED', syscall: 'connect' });
    const reset = Object.assign(new Error(), { code: 'ECONNRESET', syscall: 'read' });
    const codeOf = (...errors: Error[]) => {
      const cause = Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
      return lostRequest('profile', new TypeError('fetch failed', { cause })).code;
    };
    assert.equal(codeOf(refused, refused), 'homeserver_absent');
    assert.equal(codeOf(refused, reset), 'homeserver_unreachable');
  });

  it('is not certain once there was a connection', async () => {
    const server = createServer((socket) => socket.on('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = clientOf({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, serverName: ORCHID });
    await assert.rejects(get(), { code: 'homeserver_unreachable' });
    server.close();
  });

  it('stops waiting when it is told to', async () => {
    home.fault = first('hang');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(get({ signal: abort.signal }), { code: 'shutting_down' });
    await assert.rejects(get({ signal: abort.signal }), { code: 'shutting_down' });
  });

  it('ends what is under way when it is closed, and takes nothing more', async () => {
    home.fault = first('hang');
    const hanging = get();
    setTimeout(() => client.close(), 20);
    await assert.rejects(hanging, { code: 'shutting_down' });
    await assert.rejects(get(), { code: 'shutting_down' });
  });

  it('reads no further than the cap', async () => {
    home.fault = first({ status: 200, body: 'x'.repeat(5_000) });
    await assert.rejects(get({ maxBytes: 1_000 }), { code: 'too_large' });
  });

  it('does not ask again before the time that a 429 names, and then does', async () => {
    home.fault = first({ status: 429, body: { retry_after_ms: 80 } });
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
      home.fault = first(answer);
      await assert.rejects(get(), { retryAfterMs: ms });
    }
  });

  it('turns every hostile answer into a VollyError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 200, max: 599 }), fc.jsonValue(), async (status, body) => {
        if (status === 204 || status === 205 || status === 304) return;
        home.fault = first({ status, body });
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
