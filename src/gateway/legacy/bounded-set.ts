/** Remembers the newest `size` of what was added: for a cache whose misses only cost time. */
export class BoundedSet {
  readonly #size: number;
  readonly #keys = new Set<string>();

  constructor(size: number) {
    this.#size = size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.add(key);
    if (this.#keys.size > this.#size) this.#keys.delete(this.#keys.keys().next().value!);
  }
}
