/** The time of a simulated world: events in their order, and nothing in between. A schedule of two minutes takes milliseconds. */
import type { Clock } from '../../src/clock.ts';

interface Event {
  readonly at: number;
  /** Of equal times the one set first. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Unix time at the world's start. */
const EPOCH = Date.UTC(2026, 0, 1);

/** All that waits on promises runs to its end: nothing in the model waits for anything else than promises and this time. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SimulatedTime {
  now = 0;
  /** How many events have happened. */
  events = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Event[] = [];

  after(ms: number, callback: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#order++, callback };
    this.#heap.push(event);
    this.#up(this.#heap.length - 1);
    return () => {
      event.callback = undefined;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs to `end`, letting everything settle after each event. */
  async run(end: number): Promise<void> {
    await settled();
    while (this.#heap.length > 0 && this.#heap[0]!.at <= end) {
      const { at, callback } = this.#pop();
      if (!callback) continue;
      this.now = at;
      this.events++;
      callback();
      await settled();
    }
    this.now = end;
  }

  #pop(): Event {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapped(at, parent)) return;
      at = parent;
    }
  }

  #down(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const child = left + 1 < this.#heap.length && before(this.#heap[left + 1]!, this.#heap[left]!) ? left + 1 : left;
      if (child >= this.#heap.length || !this.#swapped(child, at)) return;
      at = child;
    }
  }

  /** Puts `child` in the place of `parent` where it is earlier. */
  #swapped(child: number, parent: number): boolean {
    const [a, b] = [this.#heap[child]!, this.#heap[parent]!];
    if (!before(a, b)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** The clock of one machine: it may be wrong and may be set anew; what is timed by it does not notice. */
export class MachineClock {
  readonly #time: SimulatedTime;
  #skew: number;
  /** The least and the most it ever was ahead of the true time. */
  least: number;
  most: number;

  constructor(time: SimulatedTime, skew: number) {
    this.#time = time;
    this.#skew = skew;
    this.least = skew;
    this.most = skew;
  }

  now(): number {
    return Math.round(EPOCH + this.#time.now + this.#skew);
  }

  jump(ms: number): void {
    this.#skew += ms;
    this.least = Math.min(this.least, this.#skew);
    this.most = Math.max(this.most, this.#skew);
  }

  /** As a process of this machine sees it: its timers end with it, and its monotonic clock starts with it. */
  of(process: Process): Clock {
    const started = this.#time.now;
    return {
      now: () => this.now(),
      monotonic: () => this.#time.now - started,
      after: (ms, callback) =>
        this.#time.after(Math.max(1, Math.round(ms)), () => {
          if (process.alive) callback();
        }),
    };
  }
}

/** One run of a bridge. Killed, it does nothing more: what it waited for never comes, what it says is heard by nobody. */
export class Process {
  alive = true;
}

/** For whoever is dead. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});
