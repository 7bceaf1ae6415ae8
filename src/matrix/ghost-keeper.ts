/**
 * Gives every member a ghost on Matrix, some time after the member came to be: enrolling neither waits for the homeserver nor fails
 * with it. What was made is remembered, so that a start asks the homeserver nothing.
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { type Localpart, type MemberId, memberId, type ServerName } from '../ids.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { FactStore, MemberStore } from '../storage/types.ts';
import { pause } from './backoff.ts';

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
      }
      this.#made.add(member);
    }
  }

  /** The next look tries again. */
  #failed(error: unknown): void {
    const known = error instanceof VollyError;
    this.#options.counters.count('ghost_failed', { code: known ? error.code : 'bug' });
    // An absent homeserver is the receiver's to report.
    if (!known || error.code !== 'homeserver_unreachable')
      this.#options.log.warn('a ghost could not be made', { reason: known ? error.message : String(error) });
  }
}
