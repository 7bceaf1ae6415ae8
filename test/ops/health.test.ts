import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { withHealth } from '../../src/ops/health.ts';
import { type Listener, listen } from '../../src/ops/listen.ts';
import { createMetrics } from '../../src/ops/metrics.ts';

describe('health', () => {
  let listener: Listener;
  const metrics = createMetrics();
  let [ready, callsBack] = [false, false];
  before(async () => {
    const health = {
      needed: { homeserver: () => ready, database: async () => true },
      wanted: { homeserver_calls_back: () => callsBack },
    };
    const rest = withHealth(health, metrics, (_, response) => void response.writeHead(418).end());
    listener = await listen(createServer(rest), { host: '127.0.0.1', port: 0 });
  });
  after(() => listener.close());
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${listener.port}${path}`, { method });

  it('is live as soon as it answers', async () => {
    assert.equal((await get('/live')).status, 200);
  });

  it('is ready once every part is, and says which is not', async () => {
    const before = await get('/ready?verbose');
    assert.equal(before.status, 503);
    const parts = { homeserver: false, database: true, homeserver_calls_back: false };
    assert.deepEqual(await before.json(), { ready: false, parts });
    ready = true;
    assert.equal((await get('/ready', 'HEAD')).status, 200);
  });

  it('is ready while what no call needs is missing, and shows it; `?all` asks for that too', async () => {
    const parts = { homeserver: true, database: true, homeserver_calls_back: false };
    for (const [path, status] of [
      ['/ready', 200],
      ['/ready?all', 503],
      ['/ready?all=1', 503],
    ] as const) {
      const answer = await get(path);
      assert.equal(answer.status, status);
      assert.deepEqual(await answer.json(), { ready: status === 200, parts });
    }
    callsBack = true;
    assert.equal((await get('/ready?all')).status, 200);
  });

  it('shows what was counted, by type and code', async () => {
    const labels = { type: 'app.volly.call.offer', from: 'device', code: 'expired' };
    metrics.count('refused', labels);
    metrics.count('refused', labels);
    metrics.count('send_failed');
    const answer = await get('/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    assert.match(text, /^volly_refused_total\{type="app\.volly\.call\.offer",from="device",code="expired"\} 2$/m);
    assert.match(text, /^volly_send_failed_total 1$/m);
  });

  it('leaves every other request alone', async () => {
    assert.equal((await get('/ready/x')).status, 418);
    assert.equal((await get('/ready', 'POST')).status, 418);
  });

  it('names the address that is taken', async () => {
    await assert.rejects(listen(createServer(), { host: '127.0.0.1', port: listener.port }), {
      code: 'port_taken',
      message: `port_taken: 127.0.0.1:${listener.port} EADDRINUSE`,
    });
  });
});
