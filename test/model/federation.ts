/** The way between homeservers: loses, doubles, delays, reorders; cut, what is sent into it is lost or comes when it has healed. */
import type { ServerName } from '../../src/ids.ts';
import type { Draw } from './draw.ts';
import type { Homeserver, Message } from './homeserver.ts';
import type { Rates } from './schedule.ts';
import type { SimulatedTime } from './time.ts';

/** A homeserver tries again after a while. */
const RETRY_MS: readonly [number, number] = [300, 4_000];

export interface FederationOptions {
  readonly time: SimulatedTime;
  readonly draw: Draw;
  readonly rates: Rates;
  /** A copy came to its homeserver. */
  readonly arrived: (to: ServerName, message: Message) => void;
}

export class Federation {
  readonly homeservers = new Map<ServerName, Homeserver>();
  readonly #options: FederationOptions;
  /** `from to` → how many cuts there are. */
  readonly #cuts = new Map<string, number>();

  constructor(options: FederationOptions) {
    this.#options = options;
  }

  /** One way. */
  cut(from: ServerName, to: ServerName): () => void {
    const way = `${from} ${to}`;
    this.#cuts.set(way, (this.#cuts.get(way) ?? 0) + 1);
    return () => this.#cuts.set(way, this.#cuts.get(way)! - 1);
  }

  reachable(from: ServerName, to: ServerName): boolean {
    return this.#open(from, to) && this.#open(to, from) && this.homeservers.get(to)?.up === true;
  }

  send(from: ServerName, to: ServerName, message: Message): void {
    const { draw, rates } = this.#options;
    if (!this.homeservers.has(to)) return;
    const copies = draw.is(rates.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) if (!draw.is(rates.drop)) this.#move(from, to, message, rates.delayMs);
  }

  #open(from: ServerName, to: ServerName): boolean {
    return (this.#cuts.get(`${from} ${to}`) ?? 0) === 0;
  }

  #move(from: ServerName, to: ServerName, message: Message, delayMs: readonly [number, number]): void {
    const { time, draw, rates, arrived } = this.#options;
    time.after(draw.between(...delayMs), () => {
      const homeserver = this.homeservers.get(to)!;
      if (homeserver.up && this.#open(from, to)) {
        arrived(to, message);
        homeserver.deliver(message);
      } else if (!draw.is(rates.lostInCut)) this.#move(from, to, message, RETRY_MS);
    });
  }
}
