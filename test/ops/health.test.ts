import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { withHealth } from '../../src/ops/health.ts';
import { type Listener, listen } from '../../src/ops/listen.ts';
import { createMetrics } from '../../src/ops/metrics.ts';

describe('health', () => {
  let listener: Listener;
  const metrics = createMetrics();
  let ready = false;
  before(async () => {
    const rest = withHealth(
      { homeserver: () => ready, database: () => true },
      metrics,
      (_, response) => void response.writeHead(418).end(),
    );
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
    assert.deepEqual(await before.json(), { ready: false, parts: { homeserver: false, database: true } });
    ready = true;
    assert.equal((await get('/ready')).status, 200);
    assert.equal((await get('/ready', 'HEAD')).status, 200);
  });

  it('shows what was counted, by type and code', async () => {
    metrics.count('refused', { type: 'app.volly.call.offer', code: 'expired' });
    metrics.count('refused', { type: 'app.volly.call.offer', code: 'expired' });
    metrics.count('send_failed');
    const answer = await get('/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    assert.match(text, /^volly_refused_total\{type="app\.volly\.call\.offer",code="expired"\} 2$/m);
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
