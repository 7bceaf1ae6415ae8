/**
 * How long peers take to acknowledge, as TCP measures it (RFC 6298): what is repeated sooner is repeated for nothing. Unlike there an
 * acknowledgement of what was sent two or three times counts too, from the first time on: which of them it answers nobody can tell, but
 * a path slower than the first repeat would never be measured otherwise, and a repeat too late costs little.
 */
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Entry } from './entries.ts';
import { FIRST_MS, LONGEST_MS } from './repeats.ts';

const COUNTED_TRIES = 3;

export class AckTime {
  #mean: number | undefined;
  #deviation = 0;

  /** What one ack acknowledged. The longest of it counts, once: acks are gathered. */
  acknowledged(entries: readonly Entry[], now: number): void {
    const times = entries.flatMap(({ sentAt, tries }) => (sentAt === undefined || tries > COUNTED_TRIES ? [] : [now - sentAt]));
    if (times.length > 0) this.#measured(Math.min(Math.max(...times), LONGEST_MS));
  }

  /** After the request that held it. Half as long again as the mean at least, of which the jitter of repeats may take 15 %. */
  get firstRepeatMs(): number {
    if (this.#mean === undefined) return FIRST_MS;
    const ms = this.#mean + Math.max(4 * this.#deviation, this.#mean / 2);
    return Math.min(Math.max(ms, FIRST_MS), LONGEST_MS);
  }

  #measured(ms: number): void {
    if (this.#mean === undefined) {
      this.#mean = ms;
      this.#deviation = ms / 2;
      return;
    }
    this.#deviation += (Math.abs(ms - this.#mean) - this.#deviation) / 4;
    this.#mean += (ms - this.#mean) / 8;
  }
}

/** Kept while nothing waits, too; the longest unused goes first. */
export class AckTimes {
  readonly #of = new Map<ServerName, AckTime>();

  of(peer: ServerName): AckTime {
    const time = this.#of.get(peer) ?? new AckTime();
    this.#of.delete(peer);
    this.#of.set(peer, time);
    if (this.#of.size > LIMITS.peers) this.#of.delete(this.#of.keys().next().value!);
    return time;
  }
}
