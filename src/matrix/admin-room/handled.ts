/**
 * Which commands were handled. Events can come twice, after a crash here or a homeserver restored from a backup, and a command must not be done
 * twice. It is remembered before it is done, for longer than its event would still be heeded; the bound of this memory is the rate limit.
 */
import type { Clock } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import type { FactStore } from '../../storage/types.ts';

const FACT = 'admin commands';

/** Event id, sender, Unix time in ms when it was begun, whether its answer was sent or given up. */
type Entry = [id: string, sender: string, at: number, done: boolean];

export class HandledCommands {
  readonly #facts: FactStore;
  readonly #clock: Pick<Clock, 'now'>;
  #entries: Entry[] | undefined;

  constructor(facts: FactStore, clock: Pick<Clock, 'now'>) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /**
   * `new`: remembered from now on, on disk. `begun`: an earlier run ended in the middle of it. `done`: nothing is left to do.
   * `too_many`: not remembered, and not to be done. Throws `database`.
   */
  async begin(id: string, sender: string): Promise<'new' | 'begun' | 'done' | 'too_many'> {
    const now = this.#clock.now();
    const entries = (await this.#load()).filter(([, , at]) => Math.abs(now - at) < LIMITS.adminMemoryMs);
    const known = entries.find(([one]) => one === id);
    if (known) return known[3] ? 'done' : 'begun';
    if (entries.filter(([, one]) => one === sender).length >= LIMITS.adminCommands) return 'too_many';
    await this.#keep([...entries, [id, sender, now, false]]);
    return 'new';
  }

  /** Throws `database`. */
  async end(id: string): Promise<void> {
    const entries = await this.#load();
    await this.#keep(entries.map((entry): Entry => (entry[0] === id ? [entry[0], entry[1], entry[2], true] : entry)));
  }

  async #load(): Promise<Entry[]> {
    this.#entries ??= JSON.parse((await this.#facts.get(FACT)) ?? '[]') as Entry[];
    return this.#entries;
  }

  async #keep(entries: Entry[]): Promise<void> {
    await this.#facts.set(FACT, JSON.stringify(entries));
    this.#entries = entries;
  }
}
