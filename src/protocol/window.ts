/**
 * Numbered frames and their settling, PROTOCOL.md section 14.5: one class for the side that sends them, one for the side that
 * settles them. Both hold at most LIMITS.unackedFrames and refuse a peer that goes past it.
 */
import { type ErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

const refuse = (code: ErrorCode, detail: string): never => {
  throw new VollyError(code, detail);
};

/** What was sent and is not settled yet, oldest first. */
export class Unsettled<T> {
  #settled = 0;
  readonly #items: T[] = [];

  /** How many more may be sent now. */
  get room(): number {
    return LIMITS.unackedFrames - this.#items.length;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The number the next frame carries. The caller has looked at `room`. */
  add(item: T): number {
    if (this.room === 0) throw new TypeError('no room in the window');
    this.#items.push(item);
    return this.#settled + this.#items.length;
  }

  /** An ack: all up to n, in order. Throws `bad_encoding` for what was not sent or is settled already. */
  ack(n: number): T[] {
    const count = n - this.#settled;
    if (count < 1 || count > this.#items.length) refuse('bad_encoding', 'ack');
    this.#settled = n;
    return this.#items.splice(0, count);
  }

  /** A refusal settles the oldest one only: all before it have been settled by then. Throws `bad_encoding`. */
  refuse(n: number): T {
    if (n !== this.#settled + 1 || this.#items.length === 0) refuse('bad_encoding', 'refused');
    this.#settled = n;
    return this.#items.shift() as T;
  }

  /** Takes out what will never be settled on this connection, in order. */
  drain(): T[] {
    return this.#items.splice(0);
  }
}

export interface Refusal {
  readonly kind: 'refused';
  readonly n: number;
  readonly code: string;
}

export type Settlement =
  | { readonly kind: 'ack'; readonly n: number }
  | Refusal
  /** It was refused before. */
  | { readonly kind: 'taken'; readonly n: number };

/** What was received: the work on it ends in any order, the peer hears of it in the order of the numbers. */
export class Settler {
  #received = 0;
  #settled = 0;
  /** Ended, but one before is not: undefined = done, else the code it was refused with. */
  readonly #ended = new Map<number, ErrorCode | undefined>();
  /** Taken after all, though the peer has not heard of the refusal yet. */
  readonly #taken = new Set<number>();

  get open(): number {
    return this.#received - this.#settled;
  }

  /** Throws `bad_encoding` for a number out of turn, `overloaded` when the peer ignores the window. */
  receive(n: number): void {
    if (n !== this.#received + 1) refuse('bad_encoding', 'frame number');
    if (this.open >= LIMITS.unackedFrames) refuse('overloaded', 'window');
    this.#received = n;
  }

  /** The work on frame n has ended. Returns what to tell the peer now: perhaps nothing, perhaps much. */
  end(n: number, code?: ErrorCode): Settlement[] {
    this.#ended.set(n, code);
    const out: Settlement[] = [];
    let done = this.#settled;
    for (let next = this.#settled + 1; this.#ended.has(next); next++) {
      const refused = this.#ended.get(next);
      this.#ended.delete(next);
      if (refused !== undefined) {
        if (done > this.#settled) out.push({ kind: 'ack', n: done });
        out.push({ kind: 'refused', n: next, code: refused });
        if (this.#taken.delete(next)) out.push({ kind: 'taken', n: next });
        this.#settled = next;
      }
      done = next;
    }
    if (done > this.#settled) out.push({ kind: 'ack', n: done });
    this.#settled = done;
    return out;
  }

  /** Frame n, which was refused, has been taken after all: once for each. Returns what to tell the peer now; never before its refusal. */
  taken(n: number): Settlement[] {
    if (n <= this.#settled) return [{ kind: 'taken', n }];
    this.#taken.add(n);
    return [];
  }
}
