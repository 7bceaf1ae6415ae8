/**
 * What arrives, to whom it belongs. An envelope's promise resolves once it is opened and kept, or refused and counted: nothing hostile
 * blocks. Events wait until the backlog is opened whole (PROTOCOL.md section 11, "Coming back").
 */
import { isErrorCode, VollyError } from '../errors.ts';
import { type DeviceAddress, deviceAddress, memberOf, serverOf } from '../ids.ts';
import { type Envelope, serverOfAddress } from '../protocol/envelope.ts';
import type { Calls } from './calls.ts';
import type { Context } from './context.ts';
import type { Directory } from './directory.ts';
import type { Presence } from './presence.ts';

interface Parts {
  readonly calls: Calls;
  readonly directory: Directory;
  readonly presence: Presence;
}

export class Inbox {
  readonly #context: Context;
  readonly #parts: () => Parts;
  readonly #self: DeviceAddress;
  #caughtUp = false;
  #begun = false;
  #waiting: (() => Promise<void> | void)[] = [];

  constructor(context: Context, parts: () => Parts) {
    this.#context = context;
    this.#parts = parts;
    this.#self = deviceAddress(context.keys.account.member, context.keys.account.device);
  }

  /** Rejects (`overloaded`) only where it must not be acknowledged; `taken` says that it may be after all. */
  async onEnvelope(envelope: Envelope, taken: () => void): Promise<void> {
    const verdict = await this.#context.queue.run(async () => {
      try {
        if (envelope.to !== this.#self) throw new VollyError('wrong_recipient', 'envelope');
        return await this.#open(envelope, taken);
      } catch (error) {
        this.#context.refused(error, envelope.type);
        return 'done';
      }
    });
    if (verdict === 'keep') throw new VollyError('overloaded', 'early messages');
  }

  /** Behind all envelopes handed over so far. */
  onCaughtUp(): void {
    void this.#context.queue.run(() => {
      this.#caughtUp = true;
      return this.#raise();
    });
  }

  /** The app has had time to listen. */
  begin(): void {
    this.#begun = true;
    void this.#context.queue.run(() => this.#raise());
  }

  /** The connection is gone: the next one brings a backlog of its own. */
  onOffline(): void {
    this.#caughtUp = false;
  }

  /** Inside the queue; the task runs there too. */
  whenCaughtUp(task: () => Promise<void> | void): void {
    this.#waiting.push(task);
    void this.#context.queue.run(() => this.#raise());
  }

  async #raise(): Promise<void> {
    if (!this.#caughtUp || !this.#begun) return;
    const tasks = this.#waiting;
    this.#waiting = [];
    for (const task of tasks) await task();
  }

  async #open(envelope: Envelope, taken: () => void): Promise<'done' | 'keep'> {
    const { calls, directory, presence } = this.#parts();
    switch (envelope.type) {
      case 'app.volly.call.offer':
        await calls.onOffer(envelope);
        return 'done';
      case 'app.volly.call.answer':
      case 'app.volly.call.candidates':
      case 'app.volly.call.ringing':
      case 'app.volly.call.select_answer':
      case 'app.volly.call.negotiate':
      case 'app.volly.call.reject':
      case 'app.volly.call.hangup':
      case 'app.volly.call.heartbeat':
        return calls.onMessage(envelope, taken);
      case 'app.volly.presence':
      case 'app.volly.presence.subscribe':
      case 'app.volly.presence.grant':
        await presence.onEnvelope(envelope);
        return 'done';
      case 'app.volly.keys.bundle':
        directory.onBundle(envelope);
        return 'done';
      case 'app.volly.undeliverable':
        await this.#onUndeliverable(envelope);
        return 'done';
      case 'app.volly.keys.query':
      case 'app.volly.ack':
      case 'app.volly.hello':
        throw new VollyError('wrong_type', 'not for a device');
    }
  }

  /** Counts from the server in that envelope's `to`, and from our own, which may have heard no ack of it (section 15). */
  async #onUndeliverable({ envelope: id, from, reason }: Extract<Envelope, { type: 'app.volly.undeliverable' }>): Promise<void> {
    const { calls, directory } = this.#parts();
    const device = calls.addressee(id);
    const member = device ? memberOf(device) : directory.addressee(id);
    // Of a message whose loss nobody waits for: a candidate, a heartbeat.
    if (!member) return;
    if (from !== serverOf(member) && from !== serverOfAddress(this.#self)) throw new VollyError('wrong_sender', 'undeliverable');
    if (device) await calls.onUndelivered(id, reason);
    else directory.onFailed(id, isErrorCode(reason) ? reason : 'undeliverable');
  }
}
