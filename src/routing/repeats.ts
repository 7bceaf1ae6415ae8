/** When an envelope that nobody acknowledged is sent again. */
import type { RandomBytes } from '../clock.ts';

/** 1, 2, 4, 8 s on a fast path, then 8 s for all of a call's life; what lives for days slows down to 5 min. */
export const FIRST_MS = 1_000;
export const LONGEST_MS = 8_000;
const SLOW_AFTER_MS = 120_000;
const SLOWEST_MS = 300_000;

/** Within 15 %, so that what bridges do after the same moment they do not do together. */
export const jittered = (ms: number, random: RandomBytes): number => Math.round(ms * (0.85 + (0.3 * random(1)[0]!) / 255));

/** After the `tries`-th transmission (from 1) of something `age` ms old; `first` is for the first. */
export const repeatAfter = (tries: number, age: number, first: number, random: RandomBytes): number =>
  jittered(Math.min(first * 2 ** (tries - 1), age < SLOW_AFTER_MS ? LONGEST_MS : SLOWEST_MS), random);

/** How long a path is left alone after its `failures`-th failure in a row (from 1). */
export const pauseAfter = (failures: number, random: RandomBytes): number => repeatAfter(failures, 0, FIRST_MS, random);
