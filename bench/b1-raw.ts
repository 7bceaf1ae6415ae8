/**
 * What B1 is measured against: the same two Synapses, the same two sizes, nothing else. A user here sends a to-device event, a user there has
 * it from its long poll and sends one back. No crypto, no journal, no gateway: the least that two programs on Matrix can do. Both poll as
 * the bridges do, with the same filter and without presence.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PlainUser, registerUser } from '../test/support/homeserver/client.ts';
import type { Synapse } from '../test/support/homeserver/synapse.ts';

const nothing = { not_types: ['*'] };
const FILTER = JSON.stringify({ presence: nothing, account_data: nothing, room: { rooms: [], account_data: nothing } });

interface Event {
  readonly type: string;
  readonly content: { readonly n?: unknown };
}

export interface Paced {
  readonly bytes: number;
  readonly everyMs: number;
  readonly count: number;
}

class RawUser {
  readonly user: PlainUser;
  /** Called with each to-device event. */
  onEvent: (event: Event) => void = () => {};
  readonly #stop = new AbortController();
  readonly #polling: Promise<void>;

  private constructor(user: PlainUser) {
    this.user = user;
    this.#polling = this.#poll().catch((error) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  static async register(synapse: Synapse): Promise<RawUser> {
    return new RawUser(await registerUser(synapse, 'raw'));
  }

  async send(to: PlainUser, type: string, content: object): Promise<void> {
    const body = { messages: { [to.userId]: { [to.deviceId]: content } } };
    await this.user.client.request('PUT', `/_matrix/client/v3/sendToDevice/${type}/${randomUUID()}`, body);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    for (let since: string | undefined; ; ) {
      const query = { filter: FILTER, set_presence: 'offline', ...(since === undefined ? {} : { since, timeout: '10000' }) };
      const path = `/_matrix/client/v3/sync?${new URLSearchParams(query)}`;
      const answer = await this.user.client.request('GET', path, undefined, undefined, this.#stop.signal);
      since = answer['next_batch'] as string;
      for (const event of answer['to_device']?.events ?? []) this.onEvent(event as Event);
    }
  }
}

/** As many bytes of content as `{"envelopes":[…]}` with one envelope of that size, and as hard to compress. */
const contentOf = (bytes: number): object => ({
  envelopes: [
    randomBytes(bytes)
      .toString('base64url')
      .slice(0, Math.max(0, bytes - 2)),
  ],
});

export class RawPair {
  readonly #caller: RawUser;
  readonly #callee: RawUser;

  private constructor(caller: RawUser, callee: RawUser) {
    this.#caller = caller;
    this.#callee = callee;
  }

  static async make(here: Synapse, there: Synapse): Promise<RawPair> {
    return new RawPair(...(await Promise.all([RawUser.register(here), RawUser.register(there)])));
  }

  /** ms from handing the first event to this Synapse to having the second one from it. */
  async roundTrip({ offer, answer }: { readonly offer: number; readonly answer: number }): Promise<number> {
    const [there, back] = [contentOf(offer), contentOf(answer)];
    const returned = new Promise<number>((resolve) => {
      this.#caller.onEvent = () => resolve(performance.now());
    });
    this.#callee.onEvent = () => void this.#callee.send(this.#caller.user, 'app.volly.bench.answer', back);
    const began = performance.now();
    const sent = this.#caller.send(this.#callee.user, 'app.volly.bench.offer', there);
    const ms = (await returned) - began;
    await sent;
    return ms;
  }

  /**
   * ms from handing an event to this Synapse to its being with the user there, of each of so many. The next one goes `everyMs` after the one
   * before, whatever is under way: what holds one up holds up those behind it as well.
   */
  async oneWay({ bytes, everyMs, count }: Paced): Promise<number[]> {
    const content = contentOf(bytes);
    const begun = new Map<unknown, number>();
    const took: number[] = [];
    const { promise: all, resolve, reject } = Promise.withResolvers<void>();
    this.#callee.onEvent = ({ content: { n } }) => {
      took.push(performance.now() - (begun.get(n) ?? Number.NaN));
      if (took.length === count) resolve();
    };
    for (let n = 0; n < count; n++) {
      begun.set(n, performance.now());
      this.#caller.send(this.#callee.user, 'app.volly.bench.offer', { ...content, n }).catch(reject);
      await sleep(everyMs);
    }
    await all;
    return took;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#caller.stop(), this.#callee.stop()]);
  }
}
