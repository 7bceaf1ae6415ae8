/**
 * Time and randomness are parameters everywhere: what takes a Clock or a RandomBytes can be run in a test at any hour
 * and gives the same result twice.
 */
import type { Bytes } from './bytes.ts';

/** Time as the SDK and the bridge see it. */
export interface Clock {
  /** Unix time in milliseconds. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never jumps. Deadlines are counted on this one. */
  monotonic(): number;
  /** Calls back once after `ms` milliseconds; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
}

/** `length` bytes of the system's generator. */
export type RandomBytes = (length: number) => Bytes;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export const systemRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
