/**
 * Gives every member a ghost on Matrix, some time after the member came to be, and ends the ghosts of members who were removed: neither waits
 * for the homeserver nor fails with it. What was made is remembered, so that a start asks the homeserver nothing.
 */
import type { Clock } from '../clock.ts';
import { codeOf, VollyError } from '../errors.ts';
import { type Localpart, type MemberId, memberId, type ServerName } from '../ids.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { FactStore, MemberStore, RollStore } from '../storage/types.ts';
import { pause } from './backoff.ts';
import { isAway } from './failure.ts';

/** A new member's profile may be this late; nothing of a call needs it. */
const LOOK_MS = 30_000;

export interface GhostKeeperOptions {
  readonly server: ServerName;
  readonly members: Pick<MemberStore, 'members' | 'kind'>;
  readonly roll: Pick<RollStore, 'leaving' | 'left'>;
  readonly facts: FactStore;
  readonly ensure: (member: MemberId, displayName: string) => Promise<void>;
  readonly end: (member: MemberId) => Promise<'gone' | 'nameless'>;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
}

/** That the member has a ghost. */
export const ghostFact = (member: Localpart): string => `ghost ${member}`;

export class GhostKeeper {
  readonly #options: GhostKeeperOptions;
  readonly #made = new Set<Localpart>();
  readonly #stop = new AbortController();
  /** The reason the operator has been told: once, and again only when it is another. */
  #told: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();

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

  /** Of a member who was removed. Rejects where the homeserver does not do it now; then it is tried again with each look. */
  leave(member: Localpart): Promise<void> {
    return this.#inTurn(() => this.#end(member));
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#inTurn(() => this.#look()).catch((error) => this.#failed(error));
      await pause(this.#options.clock, LOOK_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { members, roll } = this.#options;
    for (const member of await roll.leaving()) await this.#end(member).catch((error) => this.#failed(error));
    for (const member of await members.members()) {
      if (this.#stop.signal.aborted) return;
      if (!this.#made.has(member)) await this.#make(member);
    }
  }

  async #make(member: Localpart): Promise<void> {
    const { server, members, facts, ensure } = this.#options;
    if ((await facts.get(ghostFact(member))) === undefined) {
      // Another may have been made before this one while the operator removed it.
      if ((await members.kind(member)) === undefined) return;
      await ensure(memberId(member, server), member);
      if ((await members.kind(member)) === undefined) return;
      await facts.set(ghostFact(member), 'made');
      this.#told = undefined;
    }
    this.#made.add(member);
  }

  async #end(member: Localpart): Promise<void> {
    const { server, roll, end, log } = this.#options;
    this.#made.delete(member);
    if ((await end(memberId(member, server))) === 'nameless')
      log.warn('the homeserver does not deactivate the ghost of a removed member; it has no name any more');
    await roll.left(member);
  }

  /** A ghost is not made and ended at once. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** The next look tries again. */
  #failed(error: unknown): void {
    const { counters, log } = this.#options;
    const code = codeOf(error);
    counters.count('ghost_failed', { code: code ?? 'bug' });
    if (isAway(code)) return; // the receiver's to report
    const reason = error instanceof VollyError ? error.message : String(error);
    if (reason !== this.#told) log.warn('a ghost could not be made or ended; calls work without', { reason });
    this.#told = reason;
  }
}
