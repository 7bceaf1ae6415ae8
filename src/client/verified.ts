/** Lists whose signature was verified in this run: the newest thousand. A verification spared, never one skipped. */
import type { Verified } from '../protocol/check.ts';

const MANY = 1_000;

export class VerifiedLists implements Verified {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    if (this.#keys.size >= MANY) {
      const [oldest] = this.#keys;
      this.#keys.delete(oldest as string);
    }
    this.#keys.add(key);
  }
}
