/**
 * What came before its call, or its epoch, and which calls have ended: PROTOCOL.md section 11, "Arriving early". A hangup that comes
 * before its offer stays with the bridge meanwhile; once it is opened, or dropped for good, the bridge is told that it was taken, or it
 * would tell the caller of a loss that was none. Used inside the owner's queue.
 */
import { VollyError } from '../errors.ts';
import { type CallId, memberOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type EndedCalls, hasEnded, markEnded } from '../protocol/call-ended.ts';
import { expireHeld, type Held, hold, type Released, release, staysWithBridge } from '../protocol/call-held.ts';
import type { PartyContext } from './context.ts';
import type { CallEnvelope } from './open.ts';

export interface Early {
  readonly envelope: CallEnvelope;
  /** Of one that stays with the bridge: it need not any more. */
  taken(): void;
}

const ACKED = (): void => {};

export class EarlyMessages {
  readonly #context: Pick<PartyContext, 'clock' | 'refused'>;
  #held: Held<Early> = new Map();
  #ended: EndedCalls = new Map();
  /** When each of those was left with the bridge that found no room. */
  #left: readonly number[] = [];

  constructor(context: Pick<PartyContext, 'clock' | 'refused'>) {
    this.#context = context;
  }

  hasEnded(id: CallId): boolean {
    return hasEnded(this.#ended, id, this.#context.clock.monotonic());
  }

  /**
   * `keep` = not to be acknowledged: there is no room for it, or it stays with the bridge until its `taken` is called. `known` = its call
   * is there. Throws `rate_limited` past its sender's share, and where too much is left already.
   */
  hold(id: CallId, { envelope, taken }: Early, known: boolean): 'done' | 'keep' {
    const now = this.#context.clock.monotonic();
    this.#drop(expireHeld(this.#held, now));
    const stays = staysWithBridge(envelope.type, known) && !this.#hasAnotherHangup(id, envelope);
    const result = hold(this.#held, id, memberOf(envelope.from), { envelope, taken: stays ? taken : ACKED }, now, known);
    if (result.kind === 'dropped') throw new VollyError('rate_limited', 'early messages');
    if (result.kind === 'full') return this.#leave(now);
    this.#held = result.held;
    return stays ? 'keep' : 'done';
  }

  /** Has the call's messages opened, in order; what is still too early comes back by `hold`. */
  async release(id: CallId, open: (early: Early) => Promise<'done' | 'keep'>): Promise<void> {
    const { held, messages } = release(this.#held, id);
    this.#held = held;
    for (const early of messages) {
      const verdict = await open(early).catch((error) => {
        this.#context.refused(error, early.envelope.type);
        return 'done' as const;
      });
      if (verdict === 'done') early.taken();
    }
  }

  /** What still comes for these calls, or is held for them, is dropped. */
  end(ids: readonly CallId[]): void {
    this.#ended = markEnded(this.#ended, ids, this.#context.clock.monotonic());
    for (const id of ids) this.#drop(release(this.#held, id));
  }

  /** For what found no room: many communities together must not fill the inbox either. */
  #leave(now: number): 'keep' {
    this.#left = this.#left.filter((at) => now - at < LIMITS.heldMs);
    if (this.#left.length >= LIMITS.leftWithBridge) throw new VollyError('rate_limited', 'early messages');
    this.#left = [...this.#left, now];
    return 'keep';
  }

  /** One is enough to end its call, and each that stays takes room in the bridge's inbox, where nobody has verified it. */
  #hasAnotherHangup(id: CallId, envelope: CallEnvelope): boolean {
    const held = this.#held.get(id)?.messages ?? [];
    return held.some((early) => early.envelope.type === 'app.volly.call.hangup' && early.envelope.id !== envelope.id);
  }

  #drop({ held, messages }: Released<Early>): void {
    this.#held = held;
    for (const { taken } of messages) taken();
  }
}
