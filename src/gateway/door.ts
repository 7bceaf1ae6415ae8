/** How many may stand at the door: per address, in all, and in the middle of a handshake. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { LIMITS } from '../limits.ts';

/** Of the handshakes at once, for one address: a slow one cannot keep the door shut for all. */
const HANDSHAKES_PER_ADDRESS = LIMITS.handshakesAtOnce / 8;
const MINUTE_S = 60;

/** An HTTP status: 429 is about this address, 503 about the gateway. */
export type Refusal = 429 | 503;

export interface Place {
  /** The handshake is over, well or badly. */
  greeted(): void;
  /** The socket is gone. */
  left(): void;
}

class Count {
  readonly #of = new Map<string, number>();
  total = 0;

  of(name: string): number {
    return this.#of.get(name) ?? 0;
  }

  add(name: string, change: 1 | -1): void {
    this.total += change;
    const count = this.of(name) + change;
    if (count === 0) this.#of.delete(name);
    else this.#of.set(name, count);
  }
}

export class Door {
  readonly #connections = new Count();
  readonly #handshakes = new Count();
  readonly #rate = new RateLimiterMemory({ points: LIMITS.handshakesPerAddressPerMinute, duration: MINUTE_S });

  /** `address` as `countedAs` makes it. */
  async enter(address: string): Promise<Place | Refusal> {
    if (this.#connections.total >= LIMITS.connections || this.#handshakes.total >= LIMITS.handshakesAtOnce) return 503;
    if (this.#connections.of(address) >= LIMITS.connectionsPerAddress) return 429;
    if (this.#handshakes.of(address) >= HANDSHAKES_PER_ADDRESS) return 429;
    // Taken before the wait, so that a burst cannot pass these counts together.
    const place = this.#take(address);
    const allowed = await this.#rate.consume(address).then(
      () => true,
      () => false,
    );
    if (allowed) return place;
    place.left();
    return 429;
  }

  #take(address: string): Place {
    this.#connections.add(address, 1);
    this.#handshakes.add(address, 1);
    const once = (work: () => void) => {
      let done = false;
      return () => {
        if (!done) work();
        done = true;
      };
    };
    const greeted = once(() => this.#handshakes.add(address, -1));
    const gone = once(() => this.#connections.add(address, -1));
    return {
      greeted,
      left: () => {
        greeted();
        gone();
      },
    };
  }
}
