/** The admin API's listener, asked by whoever reaches it and by whoever has the token and means no good. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '../../src/limits.ts';
import { adminListener } from '../../src/ops/admin/server.ts';
import { loadToken, readToken } from '../../src/ops/admin/token.ts';
import { type Listener, listen } from '../../src/ops/listen.ts';
import { AdminWorld, ALICE, PHONE } from '../ops/admin/world.ts';
import { seededRandom } from '../support/clock.ts';

const TOKEN = 'k'.repeat(43);

describe('attacks on the admin API', () => {
  let world: AdminWorld;
  let listener: Listener;
  beforeEach(async () => {
    world = new AdminWorld();
    await world.enrol(ALICE, PHONE);
    const { ports, log } = world;
    listener = await listen(createServer(adminListener({ token: TOKEN, ports, log })), { host: '127.0.0.1', port: 0 });
  });
  afterEach(() => listener.close());

  interface Answer {
    readonly status: number;
    readonly headers: Headers;
    readonly text: string;
    readonly code: string | undefined;
  }
  async function ask(
    method: string,
    path: string,
    options: { token?: string; body?: string; type?: string } = {},
  ): Promise<Answer> {
    const { token = `Bearer ${TOKEN}`, body, type = 'application/json' } = options;
    const headers: Record<string, string> = token === '' ? {} : { authorization: token };
    if (body !== undefined) headers['content-type'] = type;
    const url = `http://127.0.0.1:${listener.port}${path}`;
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    const code = (JSON.parse(text || '{}') as { error?: { code: string } }).error?.code;
    return { status: response.status, headers: response.headers, text, code };
  }

  /** As the bytes stand here: `fetch` mends what it is given. Resolves with the first answer. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(listener.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => {
        answer += chunk;
        if (/\r\n\r\n.*(\}|0\r\n\r\n)$/s.test(answer)) socket.destroy();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const requestOf = (line: string, headers = '') =>
    `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n${headers}\r\n`;
  const statusIn = (answer: string): string => answer.slice(9, 12);

  it('without the token, or with another, nobody learns what there is', async () => {
    for (const token of [
      '',
      'Bearer',
      `Bearer ${'k'.repeat(42)}`,
      `Bearer ${TOKEN}x`,
      `bearer ${TOKEN}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ])
      for (const path of ['/admin/v1/members/alice', '/admin/v1/nothing', '/', '/admin/v1/members/nobody/suspend']) {
        const method = path.endsWith('suspend') ? 'POST' : 'GET';
        const { status, code, text } = await ask(method, path, { token });
        assert.ok(status === 401 || status === 429, `${status}`);
        assert.ok(code === 'wrong_admin_token' || code === 'rate_limited', code);
        assert.ok(!text.includes('alice'));
      }
    assert.deepEqual([world.ended, world.log.lines], [[], []]);
  });

  it('a token in the address is none, and no answer is kept or read by another origin', async () => {
    const { status, headers } = await ask('GET', `/admin/v1/status?access_token=${TOKEN}&token=${TOKEN}`, { token: '' });
    assert.equal(status, 401);
    assert.equal(headers.get('www-authenticate'), 'Bearer');
    const good = await ask('GET', '/admin/v1/status');
    assert.equal(good.status, 200);
    for (const answer of [headers, good.headers]) {
      assert.equal(answer.get('cache-control'), 'no-store');
      assert.equal(answer.get('content-type'), 'application/json');
      assert.deepEqual(
        [...answer.keys()].filter((name) => name.startsWith('access-control')),
        [],
      );
    }
    const preflight = await ask('OPTIONS', '/admin/v1/members/alice', { token: '' });
    assert.equal(preflight.status, 401);
  });

  it('guesses have a limit, which never locks out who has the token', async () => {
    const codes: (string | undefined)[] = [];
    for (let n = 0; n < LIMITS.adminFailuresPerMinute + 5; n++)
      codes.push((await ask('GET', '/admin/v1/status', { token: 'Bearer x' })).code);
    assert.deepEqual(
      codes.slice(0, LIMITS.adminFailuresPerMinute),
      Array(LIMITS.adminFailuresPerMinute).fill('wrong_admin_token'),
    );
    assert.deepEqual(codes.slice(LIMITS.adminFailuresPerMinute), Array(5).fill('rate_limited'));
    assert.equal((await ask('GET', '/admin/v1/status')).status, 200);
  });

  it('paths have one spelling', async () => {
    for (const path of [
      '/admin/v1',
      '/admin/v1/',
      '/admin/v2/status',
      '/admin/v1/status/',
      '/admin/v1//status',
      '/ADMIN/v1/status',
      '/admin/v1/Status',
      '/admin/v1/members//suspend',
      '/admin/v1/./status',
      '/admin/v1/x/../status',
      '/admin/v1/members/..%2f..%2fstatus/extra',
      '//admin/v1/status',
      'http://x/admin/v1/status',
      '/admin/v1/%73tatus',
    ])
      assert.equal(statusIn(await raw(requestOf(`GET ${path}`))), '404', path);
    for (const path of [
      '/admin/v1/members/..',
      '/admin/v1/members/%2e%2e',
      '/admin/v1/members/a%2fb',
      '/admin/v1/members/%00',
      '/admin/v1/members/%zz',
    ])
      assert.equal(statusIn(await raw(requestOf(`GET ${path}`))), '400', path);
    assert.equal(statusIn(await raw(requestOf('GET /admin/v1/status'))), '200');
    assert.equal(statusIn(await raw(requestOf(`GET /admin/v1/status?${'x'.repeat(4_000)}=1`))), '400');
    assert.equal((await ask('GET', '/admin/v1/members/__proto__')).status, 400);
    assert.equal((await ask('GET', '/admin/v1/members?__proto__=1')).code, 'bad_request');
    assert.equal((await ask('GET', '/admin/v1/members?constructor=1')).code, 'bad_request');
  });

  it('other methods do nothing', async () => {
    const { status, headers } = await ask('GET', '/admin/v1/members/alice/suspend');
    assert.deepEqual([status, headers.get('allow')], [405, 'POST']);
    for (const [method, path] of [
      ['PUT', '/admin/v1/members/alice'],
      ['PATCH', '/admin/v1/members/alice'],
      ['POST', '/admin/v1/members/alice'],
      ['HEAD', '/admin/v1/members/alice'],
      ['DELETE', '/admin/v1/members'],
    ] as const)
      assert.equal((await ask(method, path)).status, 405, `${method} ${path}`);
    // What some frameworks take for a method.
    assert.equal(
      statusIn(await raw(requestOf('GET /admin/v1/members/alice?_method=DELETE', 'X-HTTP-Method-Override: DELETE\r\n'))),
      '400',
    );
    assert.equal(
      statusIn(await raw(requestOf('POST /admin/v1/members/alice', 'X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n'))),
      '405',
    );
    assert.equal(await world.stores.members.kind(ALICE), 'enhanced');
    assert.deepEqual(world.ended, []);
  });

  it('a parameter has one place and one value', async () => {
    for (const [method, path, body] of [
      ['POST', '/admin/v1/members/alice/suspend', '{"member":"bob"}'],
      ['POST', '/admin/v1/members/alice/suspend?member=bob', undefined],
      ['POST', '/admin/v1/members/alice/suspend', '{"more":1}'],
      ['GET', '/admin/v1/members/alice?member=bob', undefined],
      ['GET', '/admin/v1/members?limit=1&limit=2', undefined],
      ['DELETE', '/admin/v1/members/alice', '{"member":"bob"}'],
    ] as const)
      assert.deepEqual(
        [(await ask(method, path, body === undefined ? {} : { body })).code],
        ['bad_request'],
        `${method} ${path}`,
      );
    assert.equal(await world.stores.members.active(ALICE), 'enhanced');
  });

  it('a body is a JSON object that says that it is one', async () => {
    for (const body of ['[]', '"x"', 'null', '7', '{', '{"a":1}x', '\u0000'])
      assert.equal((await ask('POST', '/admin/v1/members/alice/resume', { body })).code, 'bad_request', body);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx'])
      assert.equal((await ask('POST', '/admin/v1/members/alice/resume', { body: '{}', type })).code, 'bad_request', type);
    assert.equal(
      (await ask('POST', '/admin/v1/members/alice/resume', { body: '{}', type: 'application/json; charset=utf-8' })).status,
      200,
    );
    assert.equal((await ask('POST', '/admin/v1/members/alice/resume')).status, 200);
  });

  it('a body that is too large ends the connection, whether it says its length or not', async () => {
    const path = '/admin/v1/members/alice/resume';
    const large = `{"a":"${'x'.repeat(LIMITS.adminBodyBytes)}"}`;
    const said = await raw(
      requestOf(`POST ${path}`, `Content-Type: application/json\r\nContent-Length: ${large.length}\r\n`) + large,
    );
    assert.equal(statusIn(said), '413');
    const chunk = `${large.length.toString(16)}\r\n${large}\r\n`;
    const streamed = await raw(
      requestOf(`POST ${path}`, 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n') + chunk.repeat(3),
    );
    assert.equal(statusIn(streamed), '413');
    assert.match(streamed, /\r\nconnection: close\r\n/i);
    // Nobody reads it for who has no token.
    const stranger = await raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(1_000)}`);
    assert.equal(statusIn(stranger), '401');
    assert.match(stranger, /\r\nconnection: close\r\n/i);
    assert.equal((await ask('GET', '/admin/v1/status')).status, 200);
  });

  it('two requests in one, as a proxy and a server may count them differently, are refused', async () => {
    const smuggled = requestOf('POST /admin/v1/members/alice/resume', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n');
    assert.equal(statusIn(await raw(`${smuggled}0\r\n\r\nGET /admin/v1/status HTTP/1.1\r\nHost: x\r\n\r\n`)), '400');
  });

  it('a page in the operator’s browser has no token, under whatever name it calls this machine', async () => {
    for (const headers of [
      `Host: evil.example:${listener.port}\r\nOrigin: http://evil.example:${listener.port}\r\nSec-Fetch-Site: same-origin`,
      'Host: 127.0.0.1\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Type: text/plain',
      `Host: x\r\nCookie: token=${TOKEN}; authorization=Bearer ${TOKEN}`,
      `Host: x\r\nProxy-Authorization: Bearer ${TOKEN}`,
      `Host: x\r\nSec-WebSocket-Protocol: bearer.${TOKEN}\r\nConnection: Upgrade\r\nUpgrade: websocket`,
    ]) {
      const answer = await raw(`POST /admin/v1/members/alice/suspend HTTP/1.1\r\n${headers}\r\nContent-Length: 2\r\n\r\n{}`);
      assert.equal(statusIn(answer), '401', headers);
      assert.doesNotMatch(answer, /access-control/i);
    }
    assert.equal(await world.stores.members.active(ALICE), 'enhanced');
  });

  it('names that every object of JavaScript has are parameters of nothing', async () => {
    for (const body of ['{"__proto__":{"member":"bob"}}', '{"constructor":{}}', '{"toString":1}', '{"member":{"$ne":""}}'])
      assert.equal((await ask('POST', '/admin/v1/members/alice/suspend', { body })).code, 'bad_request', body);
    assert.equal(({} as Record<string, unknown>)['member'], undefined);
    assert.equal((await ask('GET', '/admin/v1/members/constructor')).code, 'unknown_member');
    assert.equal((await ask('GET', '/admin/v1/quarantine?code=__proto__')).status, 200);
    assert.equal((await ask('GET', `/admin/v1/members?after=${encodeURIComponent("' OR 1=1 --")}`)).status, 200);
    for (const query of [
      'limit=0',
      'limit=501',
      'limit=-1',
      'limit=1.5',
      'limit=1e9',
      'limit=NaN',
      'limit=',
      'limit[]=1',
      'before=0',
    ])
      assert.equal((await ask('GET', `/admin/v1/quarantine?${query}`)).code, 'bad_request', query);
  });

  it('who goes away in the middle is no bug of ours, and a flood of headers no request', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(
      `${requestOf('POST /admin/v1/members/alice/suspend', 'Content-Type: application/json\r\nContent-Length: 10\r\n')}{}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    const flood = await raw(requestOf('GET /admin/v1/status', `X: ${'y'.repeat(20_000)}\r\n`));
    assert.equal(statusIn(flood), '431');
    assert.equal((await ask('GET', '/admin/v1/status')).status, 200);
    assert.deepEqual(world.log.lines, []);
    assert.equal(await world.stores.members.active(ALICE), 'enhanced');
  });

  it('a member who is let in again while it is being removed is shown out all the same', async () => {
    const { forget } = world.ports;
    world.ports.forget = async (member) => {
      assert.equal((await ask('POST', '/admin/v1/members/alice/resume')).status, 200);
      world.ended.push('its app comes in');
      await forget(member);
    };
    assert.equal((await ask('DELETE', '/admin/v1/members/alice')).status, 200);
    assert.equal(world.ended.at(-1), 'alice@orchid.example not_enrolled');
  });

  it('a bug is told in the log and not in the answer', async () => {
    world.ports.isOnline = () => {
      throw new TypeError('secret inside');
    };
    const { status, code, text } = await ask('GET', '/admin/v1/members/alice');
    assert.deepEqual([status, code, text.includes('secret')], [500, 'internal', false]);
    assert.match(world.log.lines.join(), /admin_failure: TypeError: secret inside/);
  });

  it('says what goes wrong with the database, and who is not there', async () => {
    world.statusFails = true;
    const { status, text } = await ask('GET', '/admin/v1/status');
    assert.equal(status, 503);
    assert.deepEqual(Object.keys(JSON.parse(text).error), ['code', 'cause', 'cure', 'detail']);
    assert.equal((await ask('GET', '/admin/v1/members/bob')).status, 404);
    await ask('DELETE', '/admin/v1/members/alice');
    assert.equal((await ask('POST', '/admin/v1/members/alice/invites')).status, 409);
  });
});

describe('the admin token’s file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-token-'));
    file = join(folder, 'data', 'admin.token');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once, for its owner alone, with 256 bits', () => {
    assert.equal(readToken(file), undefined);
    const token = loadToken(file, seededRandom(1));
    assert.match(token, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(loadToken(file, seededRandom(2)), token);
  });

  it('is refused where others may read it, where it is too short, and never overwritten for that', () => {
    loadToken(file, seededRandom(1));
    for (const text of ['', 'short', `${'x'.repeat(43)} y`, 'x'.repeat(200)]) {
      writeFileSync(file, text);
      assert.throws(() => loadToken(file, seededRandom(2)), { code: 'bad_config' }, text);
    }
    const open = join(folder, 'open');
    writeFileSync(open, 'x'.repeat(43), { mode: 0o640 });
    assert.throws(() => readToken(open), { code: 'bad_config' });
    symlinkSync(open, join(folder, 'link'));
    assert.throws(() => readToken(join(folder, 'link')), { code: 'bad_config' }, 'the mode of what it leads to counts');
  });
});
