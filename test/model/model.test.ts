import assert from 'node:assert/strict';
import { place } from '../mutations/tree.ts';
import { CHANGES } from './changes.ts';
import { runSchedule } from './run-schedule.ts';

describe('random schedules of the reliable layer', () => {
  it('are the same run for the same seed, event for event', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const lines: string[] = [];
      const { counts } = await runSchedule(seed, (line) => lines.push(line));
      return [...lines, ...[...counts].map(([name, n]) => `${name} ${n}`)];
    };
    for (const seed of [11, 14, 16]) {
      const first = await run(seed);
      assert.ok(first.length > 20);
      assert.deepEqual(await run(seed), first);
    }
    assert.notDeepEqual(await run(11), await run(14));
  });

  it('hold all invariants, the first hundred of them', async () => {
    for (let seed = 1; seed <= 100; seed++) assert.deepEqual((await runSchedule(seed)).violations, [], `seed ${seed}`);
  });

  for (const change of CHANGES)
    it(`can still be broken: ${change.why}`, () => {
      assert.ok(place(change).line > 0);
    });
});
