/** The thread of batch.ts: runs the schedules it is given, one after the other. */
import { parentPort } from 'node:worker_threads';
import type { Answer, Batch } from './batch.ts';
import { runSchedule, type Verdict } from './run-schedule.ts';

parentPort?.on('message', async ({ from, count }: Batch) => {
  const counts = new Map<string, number>();
  const failed: Pick<Verdict, 'seed' | 'violations'>[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const verdict = await runSchedule(seed);
    for (const [name, n] of verdict.counts) counts.set(name, (counts.get(name) ?? 0) + n);
    if (verdict.violations.length > 0) failed.push({ seed, violations: verdict.violations });
  }
  parentPort?.postMessage({ schedules: count, counts: [...counts], failed } satisfies Answer);
});
