/** Makes `undeliverable` envelopes and sees them to the sender's device, here or at another community. PROTOCOL.md section 15. */
import { type ErrorCode, VollyError } from '../errors.ts';
import type { DeviceAddress, ServerName } from '../ids.ts';
import { type Address, ENVELOPES, type EnvelopeOf, endId, serverOfAddress } from '../protocol/envelope.ts';
import type { OutboxRow } from '../storage/types.ts';
import type { Inbox } from './inbox.ts';
import type { Lives } from './lives.ts';
import type { Outbox } from './outbox.ts';
import type { Policy } from './policy.ts';
import type { Counters, Passing, Steps } from './ports.ts';

export type End = EnvelopeOf<'app.volly.undeliverable'>;
/** What has ended, as far as its sender must be told. */
export type Ended = Pick<OutboxRow, 'id' | 'type' | 'from' | 'to'>;

export interface EndsOptions {
  readonly own: ServerName;
  readonly policy: Policy;
  readonly inbox: Inbox;
  readonly outbox: Pick<Outbox, 'enqueue'>;
  readonly lives: Lives;
  readonly counters: Counters;
  readonly steps: Steps;
}

export class Ends {
  readonly #options: EndsOptions;

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /**
   * Tells the sender how its envelope ended; resolves when the word is on disk, so that the envelope may be forgotten. Told twice is heard
   * once. Nobody is told of types that are not acknowledged, nor of what no device sent: bundles, and ends; nor is a community that the
   * operator denies by now. Throws `overloaded`, `database`.
   */
  async tell(ended: Ended, reason: ErrorCode): Promise<void> {
    const { own, policy, outbox, lives, counters, steps } = this.#options;
    const { acked, from } = ENVELOPES[ended.type];
    if (acked && from === 'device') {
      const end = this.#make(ended, reason);
      const deadline = lives.deadline(end);
      const server = serverOfAddress(end.to);
      if (server === own) await this.hear(end, serverOfAddress(ended.to as Address), deadline);
      else if (policy(server)) await outbox.enqueue(end, deadline);
    }
    counters.count('ended', { type: ended.type, reason });
    steps.step('ended', ended as Passing, { code: reason });
  }

  /**
   * As `tell`, for an envelope that goes whether there is room for the word or not: one that stayed would keep its place in a full inbox
   * from what can still arrive. There is none when the sender is away and its own inbox full, or its server has acknowledged nothing while
   * LIMITS.outboxPerPeer filled up. Throws `database`.
   */
  async tellIfRoom(ended: Ended, reason: ErrorCode): Promise<void> {
    try {
      await this.tell(ended, reason);
    } catch (error) {
      if (!(error instanceof VollyError) || error.code !== 'overloaded') throw error;
      this.#options.counters.count('dropped', { type: 'app.volly.undeliverable' });
    }
  }

  /** Keeps an end for an own device. `other` is the other server that may say how this envelope ended: its word, if it came first, stays. */
  async hear(end: End, other: ServerName, deadline: number): Promise<void> {
    const { inbox } = this.#options;
    if (other !== end.from && (await inbox.seen(other, endId(other, end.envelope)))) return;
    await inbox.accept(end.from, end.to, end, deadline);
  }

  #make({ id, from }: Ended, reason: ErrorCode): End {
    const { own, lives } = this.#options;
    const type = 'app.volly.undeliverable';
    // Only devices are told: `tell` has looked.
    return { id: endId(own, id), type, from: own, to: from as DeviceAddress, expires: lives.expires(type), envelope: id, reason };
  }
}
