/**
 * Gives every member a ghost on Matrix, some time after the member came to be: enrolling neither waits for the homeserver nor fails
 * with it. What was made is remembered, so that a start asks the homeserver nothing.
 */
import type { Clock } from '../clock.ts';
import { codeOf, VollyError } from '../errors.ts';
import { type Localpart, type MemberId, memberId, type ServerName } from '../ids.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { FactStore, MemberStore } from '../storage/types.ts';
import { pause } from './backoff.ts';
import { isAway } from './failure.ts';

/** A new member's profile may be this late; nothing of a call needs it. */
const LOOK_MS = 30_000;

export interface GhostKeeperOptions {
  readonly server: ServerName;
  readonly members: Pick<MemberStore, 'members'>;
  readonly facts: FactStore;
  readonly ensure: (member: MemberId, displayName: string) => Promise<void>;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
}

const factOf = (member: Localpart): string => `ghost ${member}`;

export class GhostKeeper {
  readonly #options: GhostKeeperOptions;
  readonly #made = new Set<Localpart>();
  readonly #stop = new AbortController();
  /** The reason the operator has been told: once, and again only when it is another. */
  #told: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: GhostKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#look().catch((error) => this.#failed(error));
      await pause(this.#options.clock, LOOK_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { server, members, facts, ensure } = this.#options;
    for (const member of await members.members()) {
      if (this.#stop.signal.aborted) return;
      if (this.#made.has(member)) continue;
      if ((await facts.get(factOf(member))) === undefined) {
        await ensure(memberId(member, server), member);
        await facts.set(factOf(member), 'made');
        this.#told = undefined;
      }
      this.#made.add(member);
    }
  }

  /** The next look tries again. */
  #failed(error: unknown): void {
    const { counters, log } = this.#options;
    const code = codeOf(error);
    counters.count('ghost_failed', { code: code ?? 'bug' });
    if (isAway(code)) return; // the receiver's to report
    const reason = error instanceof VollyError ? error.message : String(error);
    if (reason !== this.#told) log.warn('a ghost could not be made; calls work without', { reason });
    this.#told = reason;
  }
}
