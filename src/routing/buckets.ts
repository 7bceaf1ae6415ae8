/** Token buckets by name: `rate` a second, `burst` at once. Bounded: names are chosen by strangers. */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

export class Buckets {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(clock: Clock, rate: number, burst: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#burst = burst;
  }

  take(name: string): boolean {
    const now = this.#clock.monotonic();
    const old = this.#buckets.get(name);
    const tokens = old ? Math.min(this.#burst, old.tokens + ((now - old.at) / 1_000) * this.#rate) : this.#burst;
    this.#buckets.delete(name);
    // In order of last use; the first is the fullest, so forgetting it gives least away.
    this.#buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > LIMITS.peers) this.#buckets.delete(this.#buckets.keys().next().value!);
    return tokens >= 1;
  }
}
