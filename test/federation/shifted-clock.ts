/** The system's clock with an offset, so that a test meets an expiry without waiting for it. */
import { type Clock, systemClock } from '../../src/clock.ts';

interface Timer {
  readonly due: number;
  readonly fire: () => void;
  cancel: () => void;
}

export class ShiftedClock implements Clock {
  #offset = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return systemClock.now() + this.#offset;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#offset;
  }

  after(ms: number, callback: () => void): () => void {
    const fire = () => {
      this.#timers.delete(timer);
      callback();
    };
    const timer: Timer = { due: this.monotonic() + ms, fire, cancel: systemClock.after(ms, fire) };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  /** Timers that fall due meanwhile fire at once, in their order. A negative one makes this device's time fall behind. */
  shift(ms: number): void {
    this.#offset += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.due - b.due)) {
      timer.cancel();
      timer.cancel = systemClock.after(Math.max(0, timer.due - this.monotonic()), timer.fire);
    }
  }
}
