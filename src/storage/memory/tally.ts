/** Counts by name, without names that count nothing. */
export class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, n: number): void {
    const count = this.of(name) + n;
    if (count === 0) this.#counts.delete(name);
    else this.#counts.set(name, count);
  }
}
