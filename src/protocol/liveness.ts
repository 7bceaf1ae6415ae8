/** Ping and pong of PROTOCOL.md section 14.5: frames of the protocol, since a browser can neither send nor see those of WebSocket. */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

/** Two heartbeats. */
const SILENCE_MS = 2 * LIMITS.pingMs;

export class Liveness {
  readonly #clock: Clock;
  readonly #ping: (id: number) => void;
  readonly #lost: () => void;
  #id = 0;
  #heardAt: number;
  #due = 0;
  #cancel = (): void => {};

  /** Begins at once. `lost` is called once, when nothing has been heard for two heartbeats. */
  constructor(clock: Clock, ping: (id: number) => void, lost: () => void) {
    this.#clock = clock;
    this.#ping = ping;
    this.#lost = lost;
    this.#heardAt = clock.monotonic();
    this.#arm();
  }

  /** Anything at all: what is slow to answer behind a full line is still there. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    const now = this.#clock.monotonic();
    const wait = Math.min(LIMITS.pingMs, this.#heardAt + SILENCE_MS - now);
    this.#due = now + wait;
    this.#cancel = this.#clock.after(wait, () => this.#tick());
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    // While this side did not run (a stopped process, a sleeping phone) nothing could be heard: that is not the other's silence.
    this.#heardAt += now - this.#due;
    if (now - this.#heardAt >= SILENCE_MS) {
      this.#lost();
      return;
    }
    this.#ping(++this.#id);
    this.#arm();
  }
}
