/** A clock that stands until it is told to go on, and randomness that is the same in every run. */
import type { Clock, RandomBytes } from '../../src/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Lets everything that waits on promises run to its end; commits of SQLite, which wait for the loop, too. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

export class ManualClock implements Clock {
  #wall: number;
  #elapsed = 0;
  readonly #timers = new Set<Timer>();

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, Math.round(ms)), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** The wall clock steps, as when an operator sets it; nothing that is timed notices. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Goes on by `ms`, from timer to timer in their order, letting everything settle at each. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let timer = this.#due(end); timer; timer = this.#due(end)) {
      this.#to(timer.at);
      this.#timers.delete(timer);
      timer.callback();
      await settle();
    }
    this.#to(end);
  }

  /** The earliest timer up to `end`; of equal ones the one set first. */
  #due(end: number): Timer | undefined {
    let due: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!due || timer.at < due.at)) due = timer;
    return due;
  }

  #to(elapsed: number): void {
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function seededRandom(seed: number): RandomBytes {
  const next = seeded(seed);
  return (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256));
}
