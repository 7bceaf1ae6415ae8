import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import type { Request } from '../../src/matrix/client.ts';
import { HomeserverError } from '../../src/matrix/failure.ts';
import { Pulse } from '../../src/matrix/pulse.ts';
import { ManualClock } from '../support/clock.ts';
import { Lines } from './receiver-contract.ts';

/** What a homeserver does with a request: answers, refuses with these words, takes it and is silent, or is not there. */
type Habit = 'answers' | 'hangs' | 'absent' | { status: number; errcode?: string };

describe('pulse', () => {
  let clock: ManualClock;
  let lines: Lines;
  let habits: { ping: Habit; pulse: Habit };
  let back: number;
  let asked: string[];
  let heart: Pulse;

  beforeEach(async () => {
    clock = new ManualClock();
    lines = new Lines();
    habits = { ping: 'answers', pulse: 'answers' };
    [back, asked] = [0, []];
    heart = new Pulse({ client: { request }, id: 'volly', clock, log: lines, onBack: () => back++ });
    heart.start();
    await clock.advance(0);
  });
  afterEach(async () => {
    const stopped = heart.stop();
    await clock.advance(5_000);
    await stopped;
    assert.equal(clock.timers, 0);
  });

  async function request({ step, timeoutMs, signal }: Request): Promise<string> {
    asked.push(step);
    const habit = habits[step as keyof typeof habits];
    if (habit === 'answers') return '{}';
    if (habit === 'absent') throw new HomeserverError('homeserver_absent', 'ECONNREFUSED');
    if (habit !== 'hangs')
      throw new HomeserverError(habit.status >= 500 ? 'homeserver_unreachable' : 'homeserver_refused', step, habit);
    await new Promise<void>((resolve) => {
      clock.after(timeoutMs ?? 0, resolve);
      signal?.addEventListener('abort', () => resolve());
    });
    throw signal?.aborted ? new VollyError('shutting_down') : new HomeserverError('homeserver_unreachable', 'no answer in time');
  }
  const both = (habit: Habit): void => {
    habits = { ping: habit, pulse: habit };
  };
  /** When the state is another one, in ms from now; looks each 100 ms. */
  const turns = async (to: boolean | string, what: 'answers' | 'callsBack' = 'answers'): Promise<number> => {
    for (let ms = 0; ms <= 60_000; ms += 100) {
      if (heart.state[what] === to) return ms;
      await clock.advance(100);
    }
    throw new Error(`never ${to}`);
  };

  it('is a ping and nothing else while all is well', async () => {
    await clock.advance(30_000);
    assert.deepEqual(heart.state, { answers: true, callsBack: 'yes' });
    assert.deepEqual(new Set(asked), new Set(['ping']));
    assert.deepEqual(lines.lines, []);
  });

  it('knows within 10 s that the homeserver is gone or hangs, and that it is back, whenever that happens', async () => {
    for (const habit of ['absent', 'hangs', { status: 502 }] as const)
      for (const away of [20_000, 61_300, 3_601_700]) {
        await clock.advance(700);
        both(habit);
        assert.ok((await turns(false)) < 10_000);
        assert.equal(heart.state.callsBack, 'unknown', 'nobody can be asked');
        await clock.advance(away);
        both('answers');
        back = 0;
        assert.ok((await turns(true)) < 10_000);
        assert.ok((await turns('yes', 'callsBack')) < 10_000);
        assert.equal(back, 1);
      }
    assert.deepEqual(lines.lines, [], 'whether it is there, the receiver tells');
  });

  it('knows within 10 s that the homeserver cannot call back, and that it can again, and says so once', async () => {
    for (const habit of [
      { status: 502, errcode: 'M_CONNECTION_FAILED' },
      { status: 502, errcode: 'M_BAD_STATUS' },
      'hangs',
    ] as const) {
      habits.ping = habit;
      lines.lines.length = 0;
      assert.ok((await turns('no', 'callsBack')) < 10_000);
      await clock.advance(60_000);
      assert.equal(heart.state.answers, true);
      habits.ping = 'answers';
      assert.ok((await turns('yes', 'callsBack')) < 10_000);
      assert.deepEqual(lines.lines.length, 2, lines.lines.join('\n'));
      assert.match(
        lines.lines[0]!,
        habit === 'hangs' ? /no answer/ : habit.errcode === 'M_BAD_STATUS' ? /hs_token/ : /cannot reach/,
      );
      assert.match(lines.lines[1]!, /reaches this bridge again/);
    }
    assert.equal(back, 0);
  });

  it('does not take one slow ping for a way that is cut', async () => {
    habits.ping = 'hangs';
    await clock.advance(5_000);
    habits.ping = 'answers';
    await clock.advance(10_000);
    assert.deepEqual(heart.state, { answers: true, callsBack: 'yes' });
    assert.deepEqual(lines.lines, []);
  });

  it('does without a ping where there is none, and asks for it again after an outage', async () => {
    habits.ping = { status: 404, errcode: 'M_UNRECOGNIZED' };
    await turns('unknown', 'callsBack');
    asked = [];
    await clock.advance(30_000);
    assert.deepEqual(new Set(asked), new Set(['pulse']));
    assert.deepEqual(heart.state, { answers: true, callsBack: 'unknown' });
    both('absent');
    await turns(false);
    both('answers');
    assert.ok((await turns('yes', 'callsBack')) < 10_000);
  });

  it('takes each word of the homeserver for an answer, whatever it is', async () => {
    habits = { ping: 'hangs', pulse: { status: 403, errcode: 'M_FORBIDDEN' } };
    await clock.advance(60_000);
    assert.equal(heart.state.answers, true);
  });
});
