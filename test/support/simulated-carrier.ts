/** A network between bridges that loses, doubles, delays and reorders, the same way for the same seed. */
import type { Clock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import type { ServerName } from '../../src/ids.ts';
import type { EnvelopeType } from '../../src/protocol/envelope.ts';
import type { Carrier } from '../../src/routing/ports.ts';
import { seeded } from './clock.ts';

export interface Faults {
  /** Shares of events lost and doubled, 0 to 1. */
  readonly drop?: number;
  readonly duplicate?: number;
  /** From, to; events of different delays overtake each other. */
  readonly delayMs?: readonly [number, number];
  /** How long the own homeserver takes to accept a request. */
  readonly acceptMs?: number;
}

export interface SentEvent {
  readonly at: number;
  readonly from: ServerName;
  readonly peer: ServerName;
  readonly type: EnvelopeType;
  readonly encoded: readonly string[];
}

export type Receive = (origin: ServerName, type: EnvelopeType, encoded: readonly string[]) => void;

export class SimulatedNetwork {
  /** Every request that a carrier made, refused ones too. */
  readonly sent: SentEvent[] = [];
  readonly woken: { at: number; peer: ServerName }[] = [];
  /** While true nothing passes and nobody can be woken; what is sent is lost. */
  cut = false;
  /** While set the own homeserver refuses with it. */
  refusal: Error | undefined;
  /** While true the own homeserver takes what it is given, gives no answer and loses it. */
  hanging = false;
  /** Of the carriers made from now on. */
  timeoutMs = 10_000;
  /** The most requests that were under way at once from one server to another. */
  busiest = 0;
  readonly #clock: Clock;
  readonly #chance: () => number;
  readonly #faults: Required<Faults>;
  readonly #servers = new Map<ServerName, Receive>();
  readonly #underWay = new Map<string, number>();

  constructor(clock: Clock, seed = 1, faults: Faults = {}) {
    this.#clock = clock;
    this.#chance = seeded(seed);
    this.#faults = { drop: 0, duplicate: 0, delayMs: [10, 10], acceptMs: 5, ...faults };
  }

  attach(server: ServerName, receive: Receive): void {
    this.#servers.set(server, receive);
  }

  carrier(from: ServerName): Carrier {
    return {
      name: 'simulated',
      timeoutMs: this.timeoutMs,
      send: (peer, type, encoded) => this.#send({ at: this.#clock.monotonic(), from, peer, type, encoded }),
      wake: async (peer) => {
        this.woken.push({ at: this.#clock.monotonic(), peer });
        return !this.cut && this.#servers.has(peer);
      },
    };
  }

  async #send(event: SentEvent): Promise<void> {
    this.sent.push(event);
    const path = `${event.from} ${event.peer}`;
    const underWay = (this.#underWay.get(path) ?? 0) + 1;
    this.#underWay.set(path, underWay);
    this.busiest = Math.max(this.busiest, underWay);
    await new Promise<void>((resolve) => this.#clock.after(this.#faults.acceptMs, resolve));
    this.#underWay.set(path, this.#underWay.get(path)! - 1);
    if (this.hanging) await new Promise<never>(() => {});
    if (this.refusal) throw this.refusal;
    if (!this.#servers.has(event.peer)) throw new VollyError('peer_unreachable');
    const copies = this.#chance() < this.#faults.duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) if (this.#chance() >= this.#faults.drop && !this.cut) this.#deliver(event);
  }

  #deliver({ from, peer, type, encoded }: SentEvent): void {
    const [least, most] = this.#faults.delayMs;
    this.#clock.after(least + this.#chance() * (most - least), () => this.#servers.get(peer)?.(from, type, encoded));
  }
}
