/** When a connection counts as gone. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { Liveness } from '../../src/protocol/liveness.ts';
import { ManualClock } from '../support/clock.ts';

const BEAT = LIMITS.pingMs;

describe('liveness', () => {
  const start = (clock: ManualClock, answer: (liveness: Liveness) => void) => {
    const seen = { pings: 0, lost: 0 };
    const liveness: Liveness = new Liveness(
      clock,
      () => {
        seen.pings++;
        answer(liveness);
      },
      () => seen.lost++,
    );
    return { liveness, seen };
  };

  it('pings each 25 s, and an answer keeps it', async () => {
    const clock = new ManualClock();
    const { seen } = start(clock, (liveness) => liveness.heard());
    await clock.advance(100 * BEAT);
    assert.deepEqual(seen, { pings: 100, lost: 0 });
  });

  it('is lost two heartbeats after the last that was heard, wherever between two pings that was', async () => {
    for (const at of [0, 1, 10_000, BEAT - 1, BEAT, BEAT + 1]) {
      const clock = new ManualClock();
      const { liveness, seen } = start(clock, () => {});
      await clock.advance(at);
      liveness.heard();
      await clock.advance(2 * BEAT - 1);
      assert.equal(seen.lost, 0, `${at}`);
      await clock.advance(1);
      assert.equal(seen.lost, 1, `${at}`);
      await clock.advance(10 * BEAT);
      assert.equal(seen.lost, 1);
    }
  });

  it('says nothing any more once it is stopped', async () => {
    const clock = new ManualClock();
    const { liveness, seen } = start(clock, () => {});
    liveness.stop();
    await clock.advance(10 * BEAT);
    assert.deepEqual(seen, { pings: 0, lost: 0 });
  });

  it('does not take the time in which its own process stood still for the other’s silence', () => {
    // A clock whose timers fire as late as a stopped process lets them.
    let now = 0;
    let wake = (): void => {};
    const clock = {
      now: () => now,
      monotonic: () => now,
      after: (_ms: number, callback: () => void) => {
        wake = callback;
        return () => {};
      },
    };
    let lost = 0;
    new Liveness(
      clock,
      () => {},
      () => lost++,
    );
    now = 600_000;
    wake();
    assert.equal(lost, 0);
    now += BEAT;
    wake();
    assert.equal(lost, 1);
  });
});
