/** What the app has sent and the bridge has not settled, over as many connections as it takes. PROTOCOL.md section 14.5. */
import { utf8 } from '../bytes.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, isErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Channel } from '../protocol/channel.ts';
import { type Envelope, encodeEnvelope } from '../protocol/envelope.ts';

export interface Item {
  readonly kind: 'envelope' | 'publish';
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Unix time in milliseconds on the gateway's clock; Infinity for a bundle. */
  readonly expires: number;
  /** On some connection: the bridge may have it. */
  sent: boolean;
  settle(code?: ErrorCode): void;
}

export class Outgoing {
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #waiting: Item[] = [];

  constructor(clock: Clock, now: () => number) {
    this.#clock = clock;
    this.#now = now;
  }

  envelope(envelope: Envelope): Promise<void> {
    return this.#add('envelope', () => utf8(encodeEnvelope(envelope)), envelope.expires);
  }

  publish(bundle: Uint8Array): Promise<void> {
    return this.#add('publish', () => new Uint8Array(bundle), Number.POSITIVE_INFINITY);
  }

  async #add(kind: Item['kind'], encode: () => Uint8Array<ArrayBuffer>, expires: number): Promise<void> {
    if (this.#waiting.length >= LIMITS.outgoingPerApp) throw new VollyError('overloaded', 'too much waits for the gateway');
    const bytes = encode();
    await new Promise<void>((resolve, reject) => {
      const cancel = Number.isFinite(expires)
        ? this.#clock.after(Math.max(0, expires - this.#now()), () => this.#expire(item))
        : () => {};
      const settle = (code?: ErrorCode) => {
        cancel();
        if (code === undefined) resolve();
        else reject(new VollyError(code, 'gateway'));
      };
      const item: Item = { kind, bytes, expires, sent: false, settle };
      this.#waiting.push(item);
    });
  }

  /** Sends what the window lets it, in order. */
  pump(channel: Channel<Item>, budget: number): void {
    let bytes = budget;
    while (channel.room > 0 && bytes > 0) {
      const item = this.#waiting.shift();
      if (!item) return;
      if (this.#ended(item)) continue;
      item.sent = true;
      bytes -= item.bytes.length;
      if (item.kind === 'envelope') channel.sendNumbered({ kind: 'envelope', envelope: item.bytes }, item);
      else channel.sendNumbered({ kind: 'publish', bundle: item.bytes }, item);
    }
  }

  settled(item: Item, code: string | undefined): void {
    // A code of a newer gateway is still a refusal.
    item.settle(code === undefined || isErrorCode(code) ? code : 'overloaded');
  }

  /** A connection is gone: these go out again with the next one, before what waits. */
  again(items: readonly Item[]): void {
    this.#waiting.unshift(...items.filter((item) => !this.#ended(item)));
  }

  /** Of what was sent nobody knows. */
  rejectAll(code: ErrorCode): void {
    for (const item of this.#waiting.splice(0)) item.settle(item.sent ? 'unconfirmed' : code);
  }

  #ended(item: Item): boolean {
    if (this.#now() < item.expires) return false;
    item.settle(item.sent ? 'unconfirmed' : 'expired');
    return true;
  }

  /** Its time is up; while it is under way the bridge still has the word. */
  #expire(item: Item): void {
    const at = this.#waiting.indexOf(item);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    item.settle(item.sent ? 'unconfirmed' : 'expired');
  }
}
