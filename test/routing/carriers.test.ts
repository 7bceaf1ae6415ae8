import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { OrderedCarriers } from '../../src/routing/carriers.ts';
import type { Carrier } from '../../src/routing/ports.ts';
import { ManualClock } from '../support/clock.ts';
import { fern } from './bridge.ts';

const TYPE = 'app.volly.call.offer';
const carrier = (send: () => Promise<void>, wake: () => Promise<boolean> = async () => false): Carrier => ({
  name: 'x',
  send,
  wake,
});
const fails = (code: ConstructorParameters<typeof VollyError>[0]) => carrier(() => Promise.reject(new VollyError(code)));

describe('carriers in order', () => {
  const clock = new ManualClock();
  const codeOf = (...carriers: readonly Carrier[]) =>
    new OrderedCarriers(carriers, clock).send(fern, TYPE, ['{}']).then(
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
    await clock.advance(LIMITS.carrierMs);
    assert.equal(await sending, 'timed_out');
    assert.equal(await codeOf(carrier(async () => {})), 'sent');
    assert.equal(clock.timers, 0);
  });

  it('is awake when any carrier is', async () => {
    const wake = (...answers: readonly (() => Promise<boolean>)[]) =>
      new OrderedCarriers(
        answers.map((answer) => carrier(async () => {}, answer)),
        clock,
      ).wake(fern);
    const broken = () => Promise.reject(new Error('no'));
    assert.equal(await wake(broken, async () => true), true);
    assert.equal(await wake(broken, async () => false), false);
  });
});
