import assert from 'node:assert/strict';
import { Echo } from '../../src/matrix/echo.ts';
import { HomeserverError } from '../../src/matrix/failure.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { ORCHID } from './fake-world.ts';
import { Lines } from './receiver-contract.ts';

describe('echo', () => {
  let clock: ManualClock;
  let report: Lines;
  let sent: string[];
  let answer: () => Promise<string>;
  let echo: Echo;
  const nonce = (): string => JSON.parse(sent.at(-1) ?? '').messages['@_volly.bridge:orchid.example'].VOLLY.nonce;
  const send = async (): Promise<void> => {
    echo.sendIfDue(new AbortController().signal);
    await settle();
  };
  beforeEach(() => {
    clock = new ManualClock();
    report = new Lines();
    sent = [];
    answer = async () => '{}';
    const request = ({ body }: { body?: string }): Promise<string> => {
      sent.push(String(body));
      return answer();
    };
    echo = new Echo({ client: { request }, server: ORCHID, clock, counters: report, log: report });
  });

  it('goes to the own device with a nonce and nothing else, at once and then about every minute', async () => {
    await send();
    await send();
    assert.deepEqual(sent, [`{"messages":{"@_volly.bridge:orchid.example":{"VOLLY":{"nonce":"${nonce()}"}}}}`]);
    await clock.advance(44_000);
    await send();
    assert.equal(sent.length, 1);
    const first = nonce();
    await clock.advance(32_000);
    await send();
    assert.equal(sent.length, 2);
    assert.notEqual(nonce(), first);
    assert.equal(report.counts.get('echo_lost'), 1, 'one at a time: the first is given up');
    assert.equal(echo.heard([first]), false);
  });

  it('tells how long it took, and says once that it took long', async () => {
    assert.equal(echo.lagMs, undefined);
    for (const [lag, lines] of [
      [20, 0],
      [2_500, 1],
      [3_000, 1],
      [20, 1],
      [2_500, 2],
    ] as const) {
      await send();
      await clock.advance(lag);
      assert.equal(echo.heard(['of an earlier run', nonce()]), true);
      assert.equal(echo.heard([nonce()]), false, 'it counts once');
      assert.equal(echo.lagMs, lag);
      assert.equal(report.lines.length, lines);
      echo.renew();
    }
    assert.deepEqual(report.lines[0], 'the homeserver is slow to bring messages: 2500');
  });

  it('makes silence deafness 9 s after the homeserver took it, not before', async () => {
    let taken = (_: string): void => {};
    answer = () => new Promise((resolve) => (taken = resolve));
    await send();
    await clock.advance(20_000);
    echo.judgeSilence(); // a homeserver that has not even taken it is slow, not deaf
    taken('{}');
    await clock.advance(8_999);
    echo.judgeSilence();
    await clock.advance(1);
    assert.throws(() => echo.judgeSilence(), { code: 'homeserver_deaf' });
    echo.renew();
    echo.judgeSilence();
    await send();
    assert.equal(sent.length, 2);
  });

  it('is tried again at the next poll where it could not be sent, and a refusal is told', async () => {
    answer = async () => Promise.reject(new HomeserverError('homeserver_unreachable', 'sendToDevice'));
    await send();
    echo.judgeSilence();
    answer = async () => Promise.reject(new HomeserverError('homeserver_refused', 'sendToDevice answered 403', { status: 403 }));
    await send();
    assert.throws(() => echo.judgeSilence(), { code: 'homeserver_refused' });
    echo.judgeSilence();
    answer = async () => Promise.reject(new HomeserverError('rate_limited', 'sendToDevice', { retryAfterMs: 30_000 }));
    await send();
    answer = async () => '{}';
    await clock.advance(29_000);
    await send();
    assert.equal(sent.length, 3);
    await clock.advance(1_000);
    await send();
    assert.equal(sent.length, 4);
    assert.equal(echo.heard([nonce()]), true);
  });
});
