/** Waiting between tries. */
import type { Clock } from '../clock.ts';

/** A refused connection costs nothing, so the first tries come soon; a homeserver that is back is found within MAX_MS. */
const FIRST_MS = 200;
const MAX_MS = 5_000;

/** Doubles from 200 ms to 5 s; jitter of a half keeps many bridges of one restarted homeserver from knocking in step. */
export function backoffMs(failures: number, jitter: () => number = Math.random): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full * (0.5 + jitter() / 2);
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects, since whoever waits looks at the signal anyway. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
