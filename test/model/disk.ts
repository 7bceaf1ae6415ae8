/**
 * What a bridge has on its disk. It outlives the process; what the process has not committed does not. Changes wait in a queue, as in
 * src/storage/sqlite/commits.ts, and are committed together, late, or not at all; a kill may fall between a commit and its promise.
 */
import { VollyError } from '../../src/errors.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { never, type Process, type SimulatedTime } from './time.ts';

/** As commits.ts: so many share a commit, and tidying waits so long for one to go along with. */
const CHANGES_PER_COMMIT = 20;
const TIDY_MS = 50;

export interface DiskFaults {
  /** From, to: how long a commit takes. */
  commitMs: readonly [number, number];
  /** Share of commits that fail. */
  failing: number;
  /** Share of commits after which the process is killed before it hears of them. */
  killing: number;
}

type Method = (...args: never[]) => Promise<unknown>;
/** Sees what is read, and a change once it is durable, before whoever asked for it does. */
export type Observer = (store: string, method: string, args: readonly unknown[], result: unknown) => void;

interface Change {
  readonly store: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly settle: (result: unknown) => void;
  readonly fail: (error: VollyError) => void;
}

/** What is not committed but read, as in src/storage/sqlite: it sees no change that still waits. */
const READS: ReadonlySet<string> = new Set([
  ...['inbox.seen', 'inbox.counts', 'journal.pending', 'outbox.all', 'outbox.find', 'peers.all', 'quarantine.count'],
  ...['kind', 'members', 'list', 'devices', 'bundles'].map((name) => `members.${name}`),
]);

/** What waits for company. */
const TIDYING: ReadonlySet<string> = new Set(['taken', 'done']);

export class Disk {
  readonly committed: Stores = memoryStores();
  /** Nothing can be read or written for a while. */
  broken = false;
  /** Kills the process that has it open. */
  kill: () => void = () => {};
  readonly #time: SimulatedTime;
  readonly #chance: () => number;
  readonly #faults: DiskFaults;
  readonly #observe: Observer;
  #queue: Change[] = [];
  #cancel: (() => void) | undefined;
  #commitAt = Number.POSITIVE_INFINITY;

  constructor(time: SimulatedTime, chance: () => number, faults: DiskFaults, observe: Observer) {
    this.#time = time;
    this.#chance = chance;
    this.#faults = faults;
    this.#observe = observe;
  }

  /** The stores as a new process opens them. */
  open(process: Process): Stores {
    const stores: Record<string, unknown> = {};
    for (const [store, methods] of Object.entries(this.committed)) {
      if (typeof methods !== 'object') continue;
      const wrapped: Record<string, Method> = {};
      for (const method of Object.keys(methods))
        wrapped[method] = (...args) => (process.alive ? this.#call(store, method, args) : never());
      stores[store] = wrapped;
    }
    return { ...stores, close: async () => this.close() } as unknown as Stores;
  }

  /** The process that had it open is gone: what it had begun to commit is there or is not, and nobody hears. */
  crash(): void {
    const begun = this.#chance() < 0.5 ? this.#queue.slice(0, CHANGES_PER_COMMIT) : [];
    this.#clear();
    for (const change of begun) void this.#apply(change, false);
  }

  #call(store: string, method: string, args: readonly unknown[]): Promise<unknown> {
    if (READS.has(`${store}.${method}`)) return this.#read(store, method, args);
    return new Promise((settle, fail) => {
      this.#queue.push({ store, method, args, settle, fail });
      this.#schedule(TIDYING.has(method) ? TIDY_MS : 0);
    });
  }

  async #read(store: string, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#fails()) throw new VollyError('database', 'read');
    const result = await this.#do(store, method, args);
    this.#observe(store, method, args, result);
    return result;
  }

  #do(store: string, method: string, args: readonly unknown[]): Promise<unknown> {
    const methods = this.committed[store as keyof Stores] as unknown as Record<
      string,
      (...args: readonly unknown[]) => Promise<unknown>
    >;
    return methods[method]!(...args);
  }

  #schedule(ms: number): void {
    const [least, most] = this.#faults.commitMs;
    const at = this.#time.now + ms + least + this.#chance() * (most - least);
    if (at >= this.#commitAt) return;
    this.#cancel?.();
    this.#commitAt = at;
    this.#cancel = this.#time.after(at - this.#time.now, () => this.#commit());
  }

  #commit(): void {
    const group = this.#queue.slice(0, CHANGES_PER_COMMIT);
    this.#queue = this.#queue.slice(CHANGES_PER_COMMIT);
    this.#commitAt = Number.POSITIVE_INFINITY;
    if (this.#queue.length > 0) this.#schedule(0);
    const killed = this.#faults.killing > 0 && this.#chance() < this.#faults.killing;
    if (this.#fails()) for (const change of group) change.fail(new VollyError('database', 'commit'));
    else for (const change of group) void this.#apply(change, !killed);
    if (killed) this.kill();
  }

  async #apply({ store, method, args, settle }: Change, heard = true): Promise<void> {
    const result = await this.#do(store, method, args);
    this.#observe(store, method, args, result);
    if (heard) settle(result);
  }

  /** As at the end of an orderly stop: what waits is committed. */
  close(): void {
    const waiting = this.#queue;
    this.#clear();
    for (const change of waiting) void this.#apply(change);
  }

  #clear(): void {
    this.#queue = [];
    this.#cancel?.();
    this.#commitAt = Number.POSITIVE_INFINITY;
  }

  #fails(): boolean {
    return this.broken || (this.#faults.failing > 0 && this.#chance() < this.#faults.failing);
  }
}
