/** The communities whose bridges have spoken to this one, remembered over restarts: who is greeted, and what the operator sees of them. */
import type { Clock } from '../clock.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { PeerRow, PeerStore } from '../storage/types.ts';
import type { Counters, PeerState } from './ports.ts';

/** What is new is written together, this long after the first of it: a crash forgets who spoke for the first time in the last minute. */
const WRITE_AFTER_MS = 60_000;
/** When somebody was last heard is written this roughly: it only says who is forgotten first. */
const ROUGHLY_MS = 3_600_000;

/** What waits for a peer. */
export type Waiting = Omit<PeerState, 'heardAt' | 'skewMs'>;
const NOTHING = { state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 } as const;

export interface PeersOptions {
  readonly store: PeerStore;
  readonly clock: Clock;
  readonly counters: Counters;
}

export class Peers {
  readonly #options: PeersOptions;
  /** Longest unheard first. */
  readonly #known = new Map<ServerName, PeerRow>();
  /** As on disk, as far as that is known. */
  readonly #written = new Map<ServerName, PeerRow>();
  readonly #unwritten = new Set<ServerName>();
  #cancelWrite: (() => void) | undefined;
  #stopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const row of await this.#options.store.all()) {
      this.#known.set(row.server, row);
      this.#written.set(row.server, row);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWrite?.();
    await this.#write();
  }

  /** Those that something waits for, then the others, last heard first. */
  states(waiting: readonly Waiting[]): readonly PeerState[] {
    const named = new Set(waiting.map(({ server }) => server));
    const others = [...this.#known.values()].filter(({ server }) => !named.has(server)).reverse();
    return [
      ...waiting.map((state) => ({ ...this.#known.get(state.server), ...state })),
      ...others.map((row) => ({ ...row, ...NOTHING })),
    ];
  }

  get size(): number {
    return this.#known.size;
  }

  /** Its bridge sent something. */
  heard(server: ServerName): void {
    this.#remember({ ...this.#known.get(server), server, heardAt: this.#options.clock.now() });
  }

  /** How far its clock is ahead of ours, after it was heard. */
  measured(server: ServerName, skewMs: number): void {
    const row = this.#known.get(server);
    if (row) this.#remember({ ...row, skewMs });
  }

  #remember(row: PeerRow): void {
    this.#known.delete(row.server);
    this.#known.set(row.server, row);
    if (this.#known.size > LIMITS.peers) this.#forget(this.#known.keys().next().value!);
    const written = this.#written.get(row.server);
    if (written && Math.abs(row.heardAt - written.heardAt) < ROUGHLY_MS && row.skewMs === written.skewMs) return;
    this.#unwritten.add(row.server);
    this.#schedule();
  }

  /** The store does so by itself. */
  #forget(server: ServerName): void {
    this.#known.delete(server);
    this.#written.delete(server);
    this.#unwritten.delete(server);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancelWrite ??= this.#options.clock.after(WRITE_AFTER_MS, () => {
      this.#cancelWrite = undefined;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    const rows = [...this.#unwritten].map((server) => this.#known.get(server)!);
    if (rows.length === 0) return;
    this.#unwritten.clear();
    try {
      await this.#options.store.put(rows);
      for (const row of rows) if (this.#known.has(row.server)) this.#written.set(row.server, row);
    } catch {
      this.#options.counters.count('peers_failed');
      for (const { server } of rows) if (this.#known.has(server)) this.#unwritten.add(server);
      this.#schedule();
    }
  }
}
