/** A homeserver on a bad day: each thing that it may do to a request, and what is counted. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManualClock, seeded } from '../../support/clock.ts';
import { type Fault, type HomeserverProxy, type Kind, startHomeserverProxy } from './homeserver-proxy.ts';
import { Tally } from './tally.ts';

const SYNC = '/_matrix/client/v3/sync?since=s1';
const SEND = '/_matrix/client/v3/sendToDevice/app.volly.call.offer/t1';
const events = Array.from({ length: 12 }, (_, i) => ({ type: 't', content: { i } }));

describe('the proxy between a bridge and its homeserver', () => {
  let home: Server;
  let proxy: HomeserverProxy;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    home = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.setHeader('content-type', 'application/json');
      const body = request.url?.includes('/sync') ? { next_batch: `s${asked.length}`, to_device: { events } } : {};
      request.resume().on('end', () => response.end(JSON.stringify(body)));
    }).listen(0, '127.0.0.1');
    await once(home, 'listening');
    proxy = await startHomeserverProxy((home.address() as AddressInfo).port, seeded(7));
  });
  afterEach(async () => {
    await proxy.stop();
    home.close();
    home.closeAllConnections();
  });

  const always = (of: Kind, fault: Fault): void => {
    proxy.rules = [{ of: [of], share: 1, fault }];
  };
  const ask = (path: string, method = 'GET', body?: string) =>
    fetch(`http://127.0.0.1:${proxy.port}${path}`, { method, ...(body === undefined ? {} : { body }) });
  async function sync(): Promise<{ position: string; numbers: number[] }> {
    const answer = await (await ask(SYNC)).json();
    const got = answer.to_device.events as { content: { i: number } }[];
    return { position: answer.next_batch, numbers: got.map(({ content }) => content.i) };
  }
  const numbers = events.map(({ content }) => content.i);

  it('passes everything on without rules', async () => {
    assert.deepEqual(await sync(), { position: 's1', numbers });
    assert.equal((await ask(SEND, 'PUT', '{}')).status, 200);
    assert.deepEqual(asked, [`GET ${SYNC}`, `PUT ${SEND}`]);
  });

  for (const how of ['lose', 'cut'] as const)
    it(`lets the homeserver do it and does not bring the whole answer: ${how}`, async () => {
      always('sync', { do: how });
      await assert.rejects(sync());
      assert.equal(asked.length, 1);
      assert.equal(proxy.tally.faults.get(how), 1);
    });

  it('answers once more what came last, without asking', async () => {
    await sync();
    always('sync', { do: 'repeat' });
    assert.equal((await sync()).position, 's1');
    assert.equal(asked.length, 1);
  });

  it('brings events more than once, and in another order', async () => {
    always('sync', { do: 'duplicate' });
    const doubled = (await sync()).numbers;
    assert.ok(doubled.length > numbers.length);
    assert.deepEqual([...new Set(doubled)].toSorted(), numbers.toSorted());
    always('sync', { do: 'reorder' });
    const order = (await sync()).numbers;
    assert.notDeepEqual(order, numbers);
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      numbers,
    );
  });

  it('refuses without asking, with the time that it wants to be left alone', async () => {
    always('sendToDevice', { do: 'refuse', status: 429, retryAfterMs: 5_000 });
    const answer = await ask(SEND, 'PUT', '{}');
    assert.equal(answer.status, 429);
    assert.equal((await answer.json()).retry_after_ms, 5_000);
    always('sendToDevice', { do: 'refuse', status: 502 });
    assert.equal((await ask(SEND, 'PUT', '{}')).status, 502);
    assert.deepEqual(asked, []);
  });

  it('hangs after the homeserver has done it, for as long as somebody waits, or until it is over', async () => {
    always('sync', { do: 'hang', ms: 60_000 });
    const abort = new AbortController();
    const hanging = fetch(`http://127.0.0.1:${proxy.port}${SYNC}`, { signal: abort.signal });
    while (asked.length === 0) await once(home, 'request');
    abort.abort();
    await assert.rejects(hanging);
    const waiting = sync();
    while (asked.length === 1) await once(home, 'request');
    proxy.rules = [];
    assert.equal((await waiting).position, 's2');
  });

  it('does the same to the same requests for the same seed', async () => {
    const statuses = async (): Promise<number[]> => {
      const one = await startHomeserverProxy((home.address() as AddressInfo).port, seeded(11));
      one.rules = [{ of: ['sendToDevice'], share: 0.4, fault: { do: 'refuse', status: 502 } }];
      const all: number[] = [];
      for (let i = 0; i < 20; i++)
        all.push((await fetch(`http://127.0.0.1:${one.port}${SEND}`, { method: 'PUT', body: '{}' })).status);
      await one.stop();
      return all;
    };
    const first = await statuses();
    assert.ok(first.includes(502) && first.includes(200));
    assert.deepEqual(await statuses(), first);
  });
});

describe('the tally', () => {
  const bodyOf = (...ids: string[]) =>
    Buffer.from(JSON.stringify({ messages: { '@u:s': { VOLLY: { envelopes: ids.map((id) => ({ id })) } } } }));

  it('counts sends for each envelope, not the messages of a bridge to itself', () => {
    const tally = new Tally();
    tally.asked('sendToDevice', SEND, bodyOf('a', 'b'));
    tally.asked('sendToDevice', SEND, bodyOf('b', 'c'));
    tally.asked('sendToDevice', '/_matrix/client/v3/sendToDevice/app.volly.echo/t2', bodyOf());
    assert.deepEqual([tally.sends, tally.envelopes, tally.requests.get('sendToDevice')], [4, 3, 3]);
    assert.equal(tally.sendsPerEnvelope, 4 / 3);
  });

  it('counts as early what comes while its kind was sent away, and nothing else', async () => {
    const clock = new ManualClock();
    const tally = new Tally(clock);
    tally.sentAway('sendToDevice', 2_000);
    tally.asked('sendToDevice', SEND, bodyOf('a')); // had left before
    await clock.advance(1_000);
    tally.asked('sync', SYNC, Buffer.alloc(0));
    assert.equal(tally.early, 0);
    tally.asked('sendToDevice', SEND, bodyOf('a'));
    assert.equal(tally.early, 1);
    await clock.advance(1_000);
    tally.asked('sendToDevice', SEND, bodyOf('a'));
    assert.equal(tally.early, 1);
  });
});
