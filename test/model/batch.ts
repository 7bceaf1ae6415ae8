/** A thread's part of many schedules; and their sum. */
import { Worker } from 'node:worker_threads';
import type { Verdict } from './run-schedule.ts';

export interface Batch {
  readonly from: number;
  readonly count: number;
}

export interface Totals {
  schedules: number;
  readonly counts: Map<string, number>;
  readonly failed: Pick<Verdict, 'seed' | 'violations'>[];
}

/** So few a message that threads end together, and so many that messages cost nothing. */
const BATCH = 20;

/** What a thread answers to a batch. */
export interface Answer {
  readonly schedules: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly failed: readonly Pick<Verdict, 'seed' | 'violations'>[];
}

export interface RunOptions {
  readonly from: number;
  readonly count: number;
  readonly threads: number;
  /** The tree whose schedules run: another one than this has a change in it. */
  readonly worker?: URL;
  /** Called after each batch; false ends the run. */
  readonly goOn?: (totals: Totals) => boolean;
}

/** Runs schedules `from` to `from` + `count` - 1, or until told to end. Rejects when a thread breaks. */
export async function runBatches({ from, count, threads, worker, goOn }: RunOptions): Promise<Totals> {
  const totals: Totals = { schedules: 0, counts: new Map(), failed: [] };
  let next = from;
  let going = true;
  const take = (): Batch | undefined => {
    const left = from + count - next;
    if (!going || left <= 0) return undefined;
    const batch = { from: next, count: Math.min(BATCH, left) };
    next += batch.count;
    return batch;
  };
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const running = new Worker(worker ?? new URL('./thread.ts', import.meta.url));
      const give = (): void => {
        const batch = take();
        if (batch) running.postMessage(batch);
        else void running.terminate().then(() => resolve());
      };
      running.on('error', reject);
      running.on('message', (answer: Answer) => {
        add(totals, answer);
        going &&= goOn?.(totals) ?? true;
        give();
      });
      give();
    });
  await Promise.all(Array.from({ length: threads }, thread));
  totals.failed.sort((a, b) => a.seed - b.seed);
  return totals;
}

function add(totals: Totals, { schedules, counts, failed }: Answer): void {
  totals.schedules += schedules;
  totals.failed.push(...failed);
  for (const [name, n] of counts) totals.counts.set(name, (totals.counts.get(name) ?? 0) + n);
}
