import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import express from 'express';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { appserviceRouter } from '../../src/matrix/appservice.ts';
import { TRANSACTIONS, Transactions } from '../../src/matrix/transactions.ts';
import { type Listener, listen } from '../../src/ops/listen.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ORCHID } from './fake-world.ts';
import { Lines, until } from './receiver-contract.ts';

const HS_TOKEN = 'hs'.repeat(32);

describe('appservice endpoint', () => {
  let stores: Stores;
  let listener: Listener;
  let report: Lines;
  let transactions: Transactions;
  let handled: unknown[][];
  let handle: (events: readonly unknown[]) => Promise<void>;

  const open = async (): Promise<void> => {
    report = new Lines();
    const common = { journal: stores.journal, quarantine: stores.quarantine, clock: systemClock, counters: report, log: report };
    transactions = new Transactions({ ...common, handle: (events) => handle(events) });
    await transactions.start();
    const hasMember = async (name: string): Promise<boolean> => name === 'alice';
    const router = appserviceRouter({
      hsToken: HS_TOKEN,
      server: ORCHID,
      transactions,
      hasMember,
      counters: report,
      log: report,
    });
    listener = await listen(createServer(express().use(router)), { host: '127.0.0.1', port: 0 });
  };
  beforeEach(async () => {
    stores = memoryStores();
    handled = [];
    handle = async (events) => void handled.push([...events]);
    await open();
  });
  afterEach(() => listener.close());

  const call = async (
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`http://127.0.0.1:${listener.port}/_matrix/app/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${HS_TOKEN}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('journals room events before it answers 200, and hands them on', async () => {
    const gate = Promise.withResolvers<void>();
    handle = async (events) => {
      await gate.promise;
      handled.push([...events]);
    };
    assert.deepEqual(await call('PUT', 'transactions/1', '{"events":[{"type":"a"}]}'), { status: 200, body: {} });
    assert.equal((await stores.journal.pending(TRANSACTIONS)).length, 1);
    assert.deepEqual(handled, []);
    gate.resolve();
    await transactions.stop();
    assert.deepEqual(handled, [[{ type: 'a' }]]);
    assert.equal((await stores.journal.pending(TRANSACTIONS)).length, 0);
  });

  it('hands on after a restart what was not handled', async () => {
    handle = async () => {
      throw new Error('not now');
    };
    await call('PUT', 'transactions/1', '{"events":[1]}');
    await transactions.stop();
    await listener.close();
    handle = async (events) => void handled.push([...events]);
    await open();
    await until('handled', () => handled.length === 1);
  });

  it('takes the same transaction id twice: a restored homeserver starts again at 1', async () => {
    await call('PUT', 'transactions/1', '{"events":[1]}');
    await call('PUT', 'transactions/1', '{"events":[2]}');
    await until('both', () => handled.length === 2);
  });

  it('answers 5xx only when the journal fails, so that the homeserver sends it again', async () => {
    stores.journal.append = async () => {
      throw new VollyError('database');
    };
    assert.equal((await call('PUT', 'transactions/1', '{"events":[1]}')).status, 500);
    assert.equal(handled.length, 0);
  });

  it('wants the token in the header', async () => {
    const bare = (headers: Record<string, string>, query = '') =>
      fetch(`http://127.0.0.1:${listener.port}/_matrix/app/v1/ping${query}`, { method: 'POST', headers });
    for (const [headers, status, errcode] of [
      [{}, 401, 'M_UNAUTHORIZED'],
      [{ authorization: HS_TOKEN }, 401, 'M_UNAUTHORIZED'],
      [{ authorization: 'Bearer wrong' }, 403, 'M_FORBIDDEN'],
      [{ authorization: `Bearer ${HS_TOKEN}x` }, 403, 'M_FORBIDDEN'],
      [{ authorization: `Basic ${HS_TOKEN}` }, 401, 'M_UNAUTHORIZED'],
    ] as const) {
      const response = await bare(headers);
      assert.equal(response.status, status);
      assert.equal(((await response.json()) as { errcode: string }).errcode, errcode);
    }
    assert.equal((await bare({}, `?access_token=${HS_TOKEN}`)).status, 401);
    assert.equal((await bare({ authorization: `bearer ${HS_TOKEN}` }, '?access_token=other')).status, 200);
  });

  it('knows its members and system users, and nobody else', async () => {
    for (const user of ['@_volly_alice:orchid.example', '@_volly.bridge:orchid.example', '@_volly.as:orchid.example'])
      assert.equal((await call('GET', `users/${encodeURIComponent(user)}`)).status, 200, user);
    for (const user of [
      '@_volly_bob:orchid.example',
      '@_volly_alice:iris.example',
      '@alice:orchid.example',
      '@_volly_:orchid.example',
      '@_volly_A:orchid.example',
      'x',
      '@',
      ':',
    ])
      assert.deepEqual((await call('GET', `users/${encodeURIComponent(user)}`)).body['errcode'], 'M_NOT_FOUND', user);
  });

  it('answers ping, knows no rooms, and refuses what it does not know', async () => {
    assert.deepEqual(await call('POST', 'ping', '{"transaction_id":"x"}'), { status: 200, body: {} });
    assert.equal((await call('GET', `rooms/${encodeURIComponent('#a:b')}`)).status, 404);
    assert.equal((await call('GET', 'thirdparty/protocol/x')).body['errcode'], 'M_UNRECOGNIZED');
    assert.equal((await call('DELETE', 'transactions/1')).body['errcode'], 'M_UNRECOGNIZED');
  });

  it('answers 200 to a transaction past 20 MB, and keeps none of it', async () => {
    const answer = await call('PUT', 'transactions/1', Buffer.alloc(LIMITS.transactionBytes + 1, 'a'));
    assert.equal(answer.status, 200);
    assert.equal(report.counts.get('transaction_refused too_large'), 1);
    assert.equal(handled.length, 0);
  });

  it('takes a transaction of 19 MB', async () => {
    await call('PUT', 'transactions/1', `{"events":["${'a'.repeat(19_000_000)}"]}`);
    await until('handled', () => handled.length === 1);
  });

  it('answers 200 to every hostile transaction and never dies', async () => {
    const bodies = fc.oneof(
      fc.json(),
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(
        '{"events":7}',
        '{"events":[null,[],{"__proto__":1}]}',
        '{"__proto__":{"events":[]}}',
        '['.repeat(100_000),
        '',
      ),
    );
    const headers = fc.constantFrom<Record<string, string>[]>(
      {},
      { 'content-type': 'text/plain' },
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'x' },
    );
    const ids = fc.oneof(
      fc.constantFrom('%ff', '%', '..%2f', 'a'.repeat(2_000)),
      fc.string({ minLength: 1 }).map(encodeURIComponent),
    );
    await fc.assert(
      fc.asyncProperty(ids, bodies, headers, async (id, body, extra) => {
        if (id === '.' || id === '..') return;
        assert.equal((await call('PUT', `transactions/${id}`, body, extra)).status, 200);
      }),
      { numRuns: 300 },
    );
    assert.equal((await call('POST', 'ping', '{}')).status, 200);
  });

  it('answers no path with a 5xx, whatever the request', async () => {
    const paths = fc
      .oneof(fc.string(), fc.constantFrom('users/%ff', 'users/', 'rooms/%', 'ping', 'users/%00', '../..', '%2e%2e/x'))
      .map((path) => path.replaceAll(/[^\x21-\x7e]/g, '').replaceAll('#', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD'),
        paths,
        fc.string(),
        async (method, path, body) => {
          const status = await rawStatus(listener.port, method, `/_matrix/app/v1/${path}`, body);
          assert.ok(status < 500, `${method} ${path} ${status}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('outlives a request that breaks off', async () => {
    await new Promise<void>((resolve) => {
      const headers = { authorization: `Bearer ${HS_TOKEN}`, 'content-length': '1000' };
      const broken = httpRequest({ port: listener.port, path: '/_matrix/app/v1/transactions/1', method: 'PUT', headers });
      broken.on('error', () => resolve());
      broken.write('{"events":');
      setTimeout(() => broken.destroy(), 30);
    });
    assert.equal((await call('POST', 'ping', '{}')).status, 200);
  });
});

/** Without fetch, which would tidy the path. */
function rawStatus(port: number, method: string, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${HS_TOKEN}`, 'content-length': Buffer.byteLength(body) };
    const request = httpRequest({ port, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
    request.end(body);
  });
}
