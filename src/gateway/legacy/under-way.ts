/**
 * Which peers a legacy member's apps have calls with, on disk: whoever connects after a restart is told that those have ended. No key of
 * a call is ever kept, so none goes on (PROTOCOL.md sections 10 and 16).
 */
import type { Clock } from '../../clock.ts';
import { type Localpart, type MemberId, parseMemberId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { FactStore } from '../../storage/types.ts';

const factOf = (member: Localpart): string => `legacy calls ${member}`;

export class UnderWay {
  readonly #facts: FactStore;
  readonly #clock: Clock;
  /** What the run before left of each member that has connected since, and until when it is told. */
  readonly #left = new Map<Localpart, { readonly peers: readonly MemberId[]; readonly until: number }>();

  constructor(facts: FactStore, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /**
   * Peers whose calls ended with the run before. Told to every app that connects within 5 minutes of the first: which of them had the
   * call is not known any more, and to the others it is as true.
   */
  async left(member: Localpart): Promise<readonly MemberId[]> {
    if (!this.#left.has(member)) await this.#read(member);
    const { peers, until } = this.#left.get(member)!;
    if (this.#clock.monotonic() < until) return peers;
    this.#left.set(member, { peers: [], until });
    return [];
  }

  /** Call `left` first: this forgets it on disk. */
  async set(member: Localpart, peers: readonly MemberId[]): Promise<void> {
    await this.#facts.set(factOf(member), peers.join(' '));
  }

  /** In memory; the fact is the store's to remove. */
  forget(member: Localpart): void {
    this.#left.delete(member);
  }

  async #read(member: Localpart): Promise<void> {
    const text = (await this.#facts.get(factOf(member))) ?? '';
    // Another app of the member may have been faster, and may be in a call by now.
    if (this.#left.has(member)) return;
    const peers = text === '' ? [] : text.split(' ').map(parseMemberId);
    this.#left.set(member, { peers, until: this.#clock.monotonic() + LIMITS.endedMs });
    if (peers.length > 0) await this.set(member, []);
  }
}
