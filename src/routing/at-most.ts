import type { Clock } from '../clock.ts';

/** Resolves with `work`, or after `ms` where that is sooner; the work goes on. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const enough = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await Promise.race([work, enough]).finally(() => cancel());
}
