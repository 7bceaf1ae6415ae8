/**
 * Whether a peer's bridge is silent: something waits, and it has acknowledged nothing and said no hello. It may be down, or its homeserver
 * may hold back what it is sent; repeats would only pile up there. So one envelope at a time asks until the bridge is heard.
 */
import type { RandomBytes } from '../clock.ts';
import type { AckTime } from './ack-time.ts';
import type { Lives } from './lives.ts';
import { pauseAfter } from './repeats.ts';

/** In first repeats: those of a single lost event have had their chance. */
const AFTER_REPEATS = 2;

export interface SilenceOptions {
  readonly lives: Lives;
  readonly ackTime: AckTime;
  readonly random: RandomBytes;
}

export class Silence {
  readonly #options: SilenceOptions;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Since it was heard. */
  #probes = 0;
  #nextProbeAt = 0;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** How long it has said nothing while something waited, of which the oldest came at `since`. */
  ms(since: number): number {
    return this.#options.lives.now() - Math.max(since, this.#heardAt);
  }

  isSilent(since: number): boolean {
    return this.ms(since) >= AFTER_REPEATS * this.#options.ackTime.firstRepeatMs;
  }

  heard(): void {
    this.#heardAt = this.#options.lives.now();
    this.askAnew();
  }

  /** It may be there again: asked at once, and then ever less often. */
  askAnew(): void {
    this.#probes = 0;
    this.#nextProbeAt = 0;
  }

  /** Whether one of what waits may be repeated now, after about 1, 2, 4, 8, 8 … s; it is, then. */
  mayProbe(): boolean {
    const now = this.#options.lives.now();
    if (now < this.#nextProbeAt) return false;
    this.#nextProbeAt = now + pauseAfter(++this.#probes, this.#options.random);
    return true;
  }
}
