/** Which envelopes a person waits for, and which may let them pass. A request costs both homeservers some 10 ms, one after the other. */
import type { Clock } from '../clock.ts';
import type { EnvelopeId } from '../ids.ts';
import type { EnvelopeType } from '../protocol/envelope.ts';

/** What a call's set-up consists of: it does not stand behind a request that holds something else. What is furthest first. */
export const URGENT: readonly EnvelopeType[] = ['app.volly.call.select_answer', 'app.volly.call.answer', 'app.volly.call.offer'];

/** Nobody hears a ring begin 50 ms later; an app that accepts by itself has its answer out by then, and that one goes first. */
const PATIENCE_MS: Partial<Readonly<Record<EnvelopeType, number>>> = { 'app.volly.call.ringing': 50 };

/** How long an envelope waits before its first request. */
export const patienceOf = (type: EnvelopeType): number => PATIENCE_MS[type] ?? 0;

/** Those that wait. */
export class Patient {
  readonly #clock: Clock;
  readonly #waiting = new Map<EnvelopeId, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(id: EnvelopeId, ms: number, go: () => void): void {
    const end = (): void => {
      this.#waiting.delete(id);
      go();
    };
    this.#waiting.set(id, this.#clock.after(ms, end));
  }

  /** It is gone, or everything is. */
  forget(id: EnvelopeId): void {
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }

  forgetAll(): void {
    for (const id of [...this.#waiting.keys()]) this.forget(id);
  }
}
