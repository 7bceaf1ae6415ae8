/** Draws from one stream of numbers: the same seed draws the same. */

import type { RandomBytes } from '../../src/clock.ts';
import { seeded, seededRandom } from '../support/clock.ts';

export class Draw {
  /** A number in [0, 1). */
  readonly chance: () => number;
  readonly bytes: RandomBytes;

  constructor(seed: number) {
    this.chance = seeded(seed);
    this.bytes = seededRandom(seed ^ 0x5eed);
  }

  /** True with this likelihood. */
  is(likelihood: number): boolean {
    return this.chance() < likelihood;
  }

  between(least: number, most: number): number {
    return Math.round(least + this.chance() * (most - least));
  }

  /** Often small, seldom near `most`. */
  few(most: number): number {
    return Math.floor(this.chance() ** 2 * (most + 1));
  }

  one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.chance() * choices.length)]!;
  }

  /** `rate` with this likelihood, else 0: a schedule in which a fault never happens finds what it would hide. */
  sometimes(likelihood: number, rate: number): number {
    return this.is(likelihood) ? this.chance() * rate : 0;
  }
}
