/**
 * The router: every envelope of the bridge passes `route`, outbound and inbound alike. Who may send it, whether its time and its
 * server are acceptable, and which of the two ways it takes: to another community by the outbox, or to a device here.
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { memberOf, type ServerName, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type Envelope, isAcked, serverOfAddress } from '../protocol/envelope.ts';
import type { Acks } from './acks.ts';
import type { Arrivals } from './arrivals.ts';
import { Buckets } from './buckets.ts';
import type { Inbox } from './inbox.ts';
import { type Lives, lifeOf } from './lives.ts';
import type { Outbox } from './outbox.ts';
import type { Peers } from './peers.ts';
import type { Policy } from './policy.ts';
import type { Counters, Origin, Route, Steps } from './ports.ts';

export interface RouterOptions {
  readonly own: ServerName;
  readonly policy: Policy;
  readonly lives: Lives;
  readonly arrivals: Arrivals;
  readonly inbox: Pick<Inbox, 'seen'>;
  readonly outbox: Outbox;
  readonly acks: Acks;
  readonly peers: Pick<Peers, 'heard'>;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly steps: Steps;
}

const CAME = { device: 'accepted', server: 'received', self: 'made' } as const;

export class Router implements Route {
  readonly #options: RouterOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #lasting: Buckets;
  #open = true;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#lasting = new Buckets(options.clock, LIMITS.lastingPerSecond, LIMITS.lastingBurst);
  }

  /**
   * Resolves when the envelope is on disk, if its type is one that is kept: whoever handed it over may forget it. Throws
   * `wrong_sender`, `wrong_recipient`, `denied_by_policy`, `expired`, `clock_skew`, `overloaded`, `rate_limited`, `too_large`,
   * `database`, `shutting_down`.
   */
  async route(envelope: Envelope, origin: Origin): Promise<void> {
    const { counters, steps } = this.#options;
    steps.step(CAME[origin.kind], envelope);
    const labels = { type: envelope.type, from: origin.kind };
    const routing = this.#route(envelope, origin);
    this.#underWay.add(routing);
    try {
      await routing;
      counters.count('routed', labels);
    } catch (error) {
      const code = error instanceof VollyError ? error.code : 'bug';
      counters.count('refused', { ...labels, code });
      steps.step('refused', envelope, { code });
      throw error;
    } finally {
      this.#underWay.delete(routing);
    }
  }

  /** From now on all is refused with `shutting_down`; whoever hands it over still has it. Resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#open = false;
    await Promise.allSettled(this.#underWay);
  }

  async #route(envelope: Envelope, origin: Origin): Promise<void> {
    if (!this.#open) throw new VollyError('shutting_down');
    if (origin.kind === 'server') await this.#inbound(envelope, origin.server);
    else await this.#outbound(envelope, origin);
  }

  async #inbound(envelope: Envelope, origin: ServerName): Promise<void> {
    const { own, policy, lives, arrivals, acks, peers } = this.#options;
    // R10: a server speaks for its own addresses only. Own devices come through the gateway, never through the homeserver.
    if (serverOfAddress(envelope.from) !== origin || origin === own) throw new VollyError('wrong_sender', envelope.type);
    if (serverOfAddress(envelope.to) !== own) throw new VollyError('wrong_recipient', envelope.type);
    if (!policy(origin)) throw new VollyError('denied_by_policy', envelope.type);
    peers.heard(origin);
    if (!(await this.#cameInTime(envelope, origin))) await arrivals.take(envelope, origin, lives.deadline(envelope));
    // Also for a repeated one: the first ack was lost, or is on its way.
    if (isAcked(envelope.type)) acks.add(origin, envelope.id);
  }

  /** Past its end now, but known: repeated for want of an ack, and the sender should not be told that it may be lost. */
  async #cameInTime(envelope: Envelope, origin: ServerName): Promise<boolean> {
    const { inbox, clock } = this.#options;
    return isAcked(envelope.type) && envelope.expires <= clock.now() && (await inbox.seen(origin, envelope.id));
  }

  async #outbound(envelope: Envelope, origin: Exclude<Origin, { kind: 'server' }>): Promise<void> {
    const { own, policy, lives, arrivals, outbox } = this.#options;
    if (!speaksFor(origin, envelope, own)) throw new VollyError('wrong_sender', envelope.type);
    const peer = serverOfAddress(envelope.to);
    if (peer !== own && !policy(peer)) throw new VollyError('denied_by_policy', envelope.type);
    const deadline = lives.deadline(envelope);
    if (lifeOf(envelope.type) >= LIMITS.grantLifeMs && !this.#lasting.take(envelope.from))
      throw new VollyError('rate_limited', envelope.type);
    if (peer === own) return arrivals.take(envelope, own, deadline);
    if (isAcked(envelope.type)) return outbox.enqueue(envelope, deadline);
    outbox.sendOnce(envelope, deadline, envelope.type === 'app.volly.presence' ? `${envelope.from} ${envelope.to}` : undefined);
  }
}

/** A device for itself; this bridge for its members and itself, but acks and ends of own envelopes it never sends to itself. */
function speaksFor(origin: Exclude<Origin, { kind: 'server' }>, envelope: Envelope, own: ServerName): boolean {
  if (origin.kind === 'device') return envelope.from === origin.device && serverOf(memberOf(origin.device)) === own;
  return serverOfAddress(envelope.from) === own && envelope.from.includes('@');
}
