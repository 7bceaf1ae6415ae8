/** How much one connection may ask for. */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

/**
 * A token bucket, `LIMITS.framesPerSecond` and `framesBurst`. Frames past it are not refused, since they may be a call's: the
 * reader pauses until the debt is paid. The window bounds what one record can owe.
 */
export class Throttle {
  readonly #clock: Clock;
  #tokens: number = LIMITS.framesBurst;
  #at: number;
  #strikes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  /** For how many milliseconds nothing should be read now. */
  spend(frames: number): number {
    const now = this.#clock.monotonic();
    const earned = ((now - this.#at) / 1_000) * LIMITS.framesPerSecond;
    this.#tokens = Math.min(LIMITS.framesBurst, this.#tokens + earned) - frames;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / LIMITS.framesPerSecond) * 1_000);
  }

  /** Counts a malformed frame; true when it was one too many. */
  strike(): boolean {
    this.#strikes++;
    return this.#strikes > LIMITS.malformedFrames;
  }
}
