/** Hellos between bridges: they show a clock that is wrong, and that a peer is there again. */
import type { Clock, RandomBytes } from '../clock.ts';
import { newEnvelopeId, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { Buckets } from './buckets.ts';
import type { Lives } from './lives.ts';
import type { Outbox } from './outbox.ts';
import type { Peers } from './peers.ts';
import type { Counters, Log } from './ports.ts';

type Hello = EnvelopeOf<'app.volly.hello'>;

export interface HellosOptions {
  readonly own: ServerName;
  readonly outbox: Pick<Outbox, 'sendOnce' | 'resend'>;
  readonly peers: Pick<Peers, 'measured'>;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters: Counters;
  readonly log: Log;
}

export class Hellos {
  readonly #options: HellosOptions;
  readonly #received: Buckets;
  readonly #greeted: Buckets;
  /** Peer → when it was greeted, on its way to be measured by the reply. */
  readonly #asked = new Map<ServerName, number>();

  constructor(options: HellosOptions) {
    this.#options = options;
    this.#received = new Buckets(options.clock, LIMITS.hellosPerSecond, LIMITS.hellosBurst);
    this.#greeted = new Buckets(options.clock, LIMITS.hellosPerSecond, LIMITS.hellosBurst);
  }

  greet(peer: ServerName): void {
    if (!this.#greeted.take(peer)) return;
    this.#asked.delete(peer);
    this.#asked.set(peer, this.#options.clock.now());
    if (this.#asked.size > LIMITS.peers) this.#asked.delete(this.#asked.keys().next().value!);
    this.#send(peer, false);
  }

  received(hello: Hello): void {
    const peer = hello.from;
    if (!this.#received.take(peer)) return;
    const skewMs = this.#skewOf(hello);
    if (skewMs !== undefined) this.#measured(peer, skewMs);
    if (!hello.reply) this.#send(peer, true);
    this.#options.outbox.resend(peer);
  }

  /**
   * How far the peer's clock is ahead of ours, as far as that can be told. A reply was written between our question and now, so anything
   * outside is skew. A question may have waited in the homeserver for hours, so only a time of the future says something.
   */
  #skewOf({ from, time, reply }: Hello): number | undefined {
    const now = this.#options.clock.now();
    const asked = reply ? this.#asked.get(from) : undefined;
    if (reply) this.#asked.delete(from);
    if (time > now) return time - now;
    return asked === undefined ? undefined : Math.min(0, time - asked);
  }

  #measured(peer: ServerName, skewMs: number): void {
    const { peers, counters, log } = this.#options;
    peers.measured(peer, skewMs);
    if (Math.abs(skewMs) <= LIMITS.skewMs) return;
    counters.count('clock_skew');
    log.warn('clock_skew', { peer, seconds: Math.round(skewMs / 1_000) });
  }

  #send(peer: ServerName, reply: boolean): void {
    const { own, outbox, lives, clock, random } = this.#options;
    const type = 'app.volly.hello';
    const envelope: Hello = {
      id: newEnvelopeId(random),
      type,
      from: own,
      to: peer,
      expires: lives.expires(type),
      time: clock.now(),
      reply,
    };
    outbox.sendOnce(envelope, lives.deadline(envelope));
  }
}
