/** Ping and pong of PROTOCOL.md section 14.5: frames of the protocol, since a browser can neither send nor see those of WebSocket. */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

const UNANSWERED = 2;

export class Liveness {
  readonly #clock: Clock;
  readonly #ping: (id: number) => void;
  readonly #lost: () => void;
  #id = 0;
  #unanswered = 0;
  #cancel: (() => void) | undefined;

  /** Begins at once. `lost` is called once, when the next ping would be the third unanswered one in a row. */
  constructor(clock: Clock, ping: (id: number) => void, lost: () => void) {
    this.#clock = clock;
    this.#ping = ping;
    this.#lost = lost;
    this.#arm();
  }

  /** An answer to any of ours counts; a made-up id does not. */
  pong(id: number): void {
    if (id > this.#id - this.#unanswered && id <= this.#id) this.#unanswered = this.#id - id;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(LIMITS.pingMs, () => this.#tick());
  }

  #tick(): void {
    if (this.#unanswered === UNANSWERED) {
      this.stop();
      this.#lost();
      return;
    }
    this.#unanswered++;
    this.#arm();
    this.#ping(++this.#id);
  }
}
