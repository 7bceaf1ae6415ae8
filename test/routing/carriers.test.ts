import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { OrderedCarriers } from '../../src/routing/carriers.ts';
import type { Carrier, Counters } from '../../src/routing/ports.ts';
import { ManualClock } from '../support/clock.ts';
import { counting } from '../support/counting.ts';
import { fern, moss } from './bridge.ts';

const TYPE = 'app.volly.call.offer';
const carrier = (send: () => Promise<void>, wake: () => Promise<boolean> = async () => false): Carrier => ({
  name: 'x',
  timeoutMs: 7_000,
  send,
  wake,
});
const fails = (code: ConstructorParameters<typeof VollyError>[0]) => carrier(() => Promise.reject(new VollyError(code)));

describe('carriers in order', () => {
  const clock = new ManualClock();
  const codeOf = (...carriers: readonly Carrier[]) =>
    new OrderedCarriers(carriers, clock, counting()).send(fern, TYPE, ['{}']).then(
      () => 'sent',
      (error: VollyError) => error.code,
    );

  it('tries the next when one fails, and none after one that succeeded', async () => {
    let tried = 0;
    const works = carrier(async () => void tried++);
    assert.equal(await codeOf(fails('peer_unreachable'), works, works), 'sent');
    assert.equal(tried, 1);
  });

  it('reports a failure after which envelopes may have left before one that moved nothing', async () => {
    assert.equal(await codeOf(fails('homeserver_unreachable'), fails('peer_unreachable')), 'homeserver_unreachable');
    assert.equal(await codeOf(fails('peer_unreachable'), fails('homeserver_unreachable')), 'homeserver_unreachable');
    for (const code of ['homeserver_absent', 'homeserver_refused'] as const)
      assert.equal(await codeOf(fails(code), fails('peer_unreachable')), 'peer_unreachable');
    assert.equal(await codeOf(), 'peer_unreachable');
  });

  it('gives up one that does not answer, and leaves no timer behind', async () => {
    const hangs = carrier(() => new Promise(() => {}));
    const sending = codeOf(hangs, fails('peer_unreachable'));
    let ended = false;
    void sending.then(() => {
      ended = true;
    });
    await clock.advance(6_999);
    assert.equal(ended, false);
    await clock.advance(1);
    assert.equal(await sending, 'timed_out');
    assert.equal(await codeOf(carrier(async () => {})), 'sent');
    assert.equal(clock.timers, 0);
  });

  it('leaves one alone that asks for it, for that peer, and asks the next meanwhile', async () => {
    const tried = { first: 0, second: 0 };
    const busy = Object.assign(new VollyError('rate_limited'), { retryAfterMs: 20_000 });
    const first = carrier(() => {
      tried.first++;
      return Promise.reject(busy);
    });
    let up = true;
    const second = carrier(async () => {
      tried.second++;
      if (!up) throw new VollyError('homeserver_unreachable');
    });
    const both = new OrderedCarriers([first, second], clock, counting());
    const send = (peer = fern) => both.send(peer, TYPE, ['{}']);
    await send();
    await send();
    assert.deepEqual(tried, { first: 1, second: 2 });
    await send(moss);
    assert.equal(tried.first, 2);
    up = false;
    // The second asked for no rest, so neither does the whole.
    await assert.rejects(send(), { code: 'homeserver_unreachable', retryAfterMs: 0 });
    await clock.advance(20_000);
    up = true;
    await send();
    assert.equal(tried.first, 3);
  });

  it('asks for as long a rest as the first that may be tried again, and tries none before', async () => {
    let tried = 0;
    const asks = (retryAfterMs: number) =>
      carrier(() => {
        tried++;
        return Promise.reject(Object.assign(new VollyError('rate_limited'), { retryAfterMs }));
      });
    const both = new OrderedCarriers([asks(20_000), asks(8_000)], clock, counting());
    await assert.rejects(both.send(fern, TYPE, ['{}']), { code: 'rate_limited', retryAfterMs: 8_000 });
    await clock.advance(3_000);
    await assert.rejects(both.send(fern, TYPE, ['{}']), { code: 'rate_limited', retryAfterMs: 5_000 });
    assert.equal(tried, 2);
  });

  it('tells which carrier took them, and counts each attempt with its result and how long a good one took', async () => {
    const said: string[] = [];
    const counters: Counters = {
      count: (name, labels) => void said.push(`${name} ${Object.values(labels ?? {}).join(' ')}`),
      observe: (name, value, labels) => void said.push(`${name} ${labels?.['carrier']} ${value}`),
    };
    const slow = { ...carrier(() => new Promise<void>((resolve) => clock.after(250, resolve))), name: 'slow' };
    const sending = new OrderedCarriers([fails('homeserver_absent'), slow], clock, counters).send(fern, TYPE, ['{}']);
    await clock.advance(250);
    assert.equal(await sending, 'slow');
    const wanted = ['carrier_requests x homeserver_absent', 'carrier_requests slow ok', 'carrier_request_seconds slow 0.25'];
    assert.deepEqual(said, wanted);
  });

  it('is awake when any carrier is, and not reached only when all say so', async () => {
    const wake = (...answers: readonly (() => Promise<boolean>)[]) =>
      new OrderedCarriers(
        answers.map((answer) => carrier(async () => {}, answer)),
        clock,
        counting(),
      ).wake(fern);
    const broken = () => Promise.reject(new Error('no'));
    assert.equal(await wake(broken, async () => true), true);
    assert.equal(
      await wake(
        async () => false,
        async () => false,
      ),
      false,
    );
    await assert.rejects(wake(broken, async () => false));
  });
});
