/** How many may stand at the door: per address, in all, and in the middle of a handshake. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { LIMITS } from '../limits.ts';
import type { Counted } from './address.ts';

/** Of the handshakes at once, for one address: a slow one cannot keep the door shut for all. */
const HANDSHAKES_PER_ADDRESS = LIMITS.handshakesAtOnce / 8;
const MINUTE_S = 60;

/** An HTTP status: 429 is about this address, 503 about the gateway. */
export type Refusal = 429 | 503;

export interface Place {
  /** It waits for the client's first message: when all handshakes are taken, `drop` ends the one that has waited longest. */
  silent(drop: () => void): void;
  /** That message is there. */
  heard(): void;
  /** The handshake is over, well or badly. */
  greeted(): void;
  /** The socket is gone. */
  left(): void;
}

/** Whom somebody is counted as, and how many times what an address may have that one has. */
type Shares = readonly (readonly [name: string, times: number])[];

class Count {
  readonly #of = new Map<string, number>();
  total = 0;

  of(name: string): number {
    return this.#of.get(name) ?? 0;
  }

  add(shares: Shares, change: 1 | -1): void {
    this.total += change;
    for (const [name] of shares) {
      const count = this.of(name) + change;
      if (count === 0) this.#of.delete(name);
      else this.#of.set(name, count);
    }
  }
}

const perMinute = (times: number) =>
  new RateLimiterMemory({ points: LIMITS.handshakesPerAddressPerMinute * times, duration: MINUTE_S });

export class Door {
  readonly #connections = new Count();
  readonly #handshakes = new Count();
  /** In the order in which they came; each ends one's handshake and its socket. */
  readonly #silent = new Set<() => void>();
  readonly #hosts = perMinute(1);
  readonly #networks = perMinute(LIMITS.addressesPerNetwork);

  async enter(counted: Counted): Promise<Place | Refusal> {
    const { host, network } = counted;
    const shares: Shares = [[host, 1], ...(network === undefined ? [] : ([[network, LIMITS.addressesPerNetwork]] as const))];
    if (this.#connections.total >= LIMITS.connections) return 503;
    const full = ([name, times]: Shares[number]) =>
      this.#connections.of(name) >= LIMITS.connectionsPerAddress * times ||
      this.#handshakes.of(name) >= HANDSHAKES_PER_ADDRESS * times;
    if (shares.some(full)) return 429;
    // Taken before the wait, so that a burst cannot pass these counts together.
    const place = this.#take(shares);
    const refusal = (await this.#isInRate(counted)) ? this.#makeRoom() : 429;
    if (refusal === undefined) return place;
    place.left();
    return refusal;
  }

  /** The host first: one that asks too often does not use up what its neighbours may. */
  async #isInRate({ host, network }: Counted): Promise<boolean> {
    try {
      await this.#hosts.consume(host);
      if (network !== undefined) await this.#networks.consume(network);
      return true;
    } catch {
      return false;
    }
  }

  /** Whoever is silent costs its owner nothing: it stands back for one who may have something to say. */
  #makeRoom(): Refusal | undefined {
    if (this.#handshakes.total <= LIMITS.handshakesAtOnce) return undefined;
    const [oldest] = this.#silent;
    oldest?.();
    return oldest ? undefined : 503;
  }

  #take(shares: Shares): Place {
    this.#connections.add(shares, 1);
    this.#handshakes.add(shares, 1);
    let end = () => {};
    const heard = () => void this.#silent.delete(end);
    const greeted = once(() => {
      heard();
      this.#handshakes.add(shares, -1);
    });
    const gone = once(() => this.#connections.add(shares, -1));
    return {
      silent: (drop) => {
        end = () => {
          greeted();
          drop();
        };
        this.#silent.add(end);
      },
      heard,
      greeted,
      left: () => {
        greeted();
        gone();
      },
    };
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
