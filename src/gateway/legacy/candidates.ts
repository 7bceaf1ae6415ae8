/** An app's candidates on their way to the peer: kept until they may leave, then batched. PROTOCOL.md section 9.4. */
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { type Candidate, checkCandidate } from '../../protocol/candidate.ts';

export class Candidates {
  readonly #clock: Clock;
  readonly #send: (batch: readonly Candidate[]) => void;
  #waiting: Candidate[] = [];
  #open = false;
  #batching: (() => void) | undefined;

  /** `send` gets up to LIMITS.candidatesPerMessage at a time. */
  constructor(clock: Clock, send: (batch: readonly Candidate[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Throws `bad_candidate`, `overloaded`; the call goes on without it. */
  add(candidate: Candidate): void {
    checkCandidate(candidate);
    if (this.#waiting.length >= LIMITS.legacyCandidates) throw new VollyError('overloaded', 'candidates');
    this.#waiting.push(candidate);
    if (this.#open) this.#batch();
  }

  /** From here on they leave; those so far first. */
  open(): void {
    this.#open = true;
    if (this.#waiting.length > 0) this.#batch();
  }

  stop(): void {
    this.#batching?.();
    this.#waiting = [];
  }

  #batch(): void {
    this.#batching ??= this.#clock.after(LIMITS.candidateBatchMs, () => {
      this.#batching = undefined;
      const all = this.#waiting.splice(0);
      for (let at = 0; at < all.length; at += LIMITS.candidatesPerMessage)
        this.#send(all.slice(at, at + LIMITS.candidatesPerMessage));
    });
  }
}
