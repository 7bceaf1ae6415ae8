/** A call's timers, by name. */
import type { Clock } from '../clock.ts';
import type { Timer } from '../protocol/call-state.ts';

export class Timers {
  readonly #clock: Clock;
  readonly #fire: (timer: Timer) => void;
  readonly #running = new Map<Timer, () => void>();

  constructor(clock: Clock, fire: (timer: Timer) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Anew, where it runs already. */
  set(timer: Timer, ms: number): void {
    this.cancel(timer);
    this.#running.set(
      timer,
      this.#clock.after(ms, () => this.#fire(timer)),
    );
  }

  cancel(timer: Timer): void {
    this.#running.get(timer)?.();
    this.#running.delete(timer);
  }

  cancelAll(): void {
    for (const timer of [...this.#running.keys()]) this.cancel(timer);
  }
}
