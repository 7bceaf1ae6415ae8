/** Says hello to the known peers: after a start, after the homeserver was away, and each hour. Their answers show clocks and send what waits. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { jittered } from './repeats.ts';

const ROUND_MS = 3_600_000;
const PACE_MS = 1_000;

export interface GreeterOptions {
  /** Whom to greet, in this order; asked at the beginning of a round. */
  readonly peers: () => readonly ServerName[];
  readonly greet: (peer: ServerName) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export class Greeter {
  readonly #options: GreeterOptions;
  /** Of this round. */
  #left: readonly ServerName[] = [];
  #cancelRound: (() => void) | undefined;
  #cancelNext: (() => void) | undefined;

  constructor(options: GreeterOptions) {
    this.#options = options;
  }

  /** Begins a round, also where one is under way: who was greeted in that may have been greeted in vain. */
  begin(): void {
    this.stop();
    const { peers, clock, random } = this.#options;
    this.#left = peers();
    this.#cancelRound = clock.after(jittered(ROUND_MS, random), () => this.begin());
    this.#next();
  }

  stop(): void {
    this.#cancelRound?.();
    this.#cancelNext?.();
    this.#left = [];
  }

  #next(): void {
    const { greet, clock } = this.#options;
    for (const peer of this.#left.slice(0, LIMITS.greetsPerSecond)) greet(peer);
    this.#left = this.#left.slice(LIMITS.greetsPerSecond);
    if (this.#left.length > 0) this.#cancelNext = clock.after(PACE_MS, () => this.#next());
  }
}
