/** What arrives for a legacy member, to which part of its line it belongs. PROTOCOL.md sections 11, 12 and 15. */
import { isErrorCode, VollyError } from '../../errors.ts';
import { type DeviceAddress, memberOf, serverOf } from '../../ids.ts';
import type { Envelope } from '../../protocol/envelope.ts';
import type { Mailbox } from '../../routing/ports.ts';
import type { App } from './app.ts';
import type { Calls } from './calls.ts';
import type { Context } from './context.ts';
import { onOffer } from './incoming.ts';
import type { LegacyKeyQueries } from './key-queries.ts';

export interface InboxOptions {
  readonly context: Context;
  readonly device: DeviceAddress;
  readonly mailbox: Mailbox;
  readonly apps: ReadonlySet<App>;
  readonly calls: Calls;
  readonly queries: LegacyKeyQueries;
  /** The mailbox cannot be read: what is in it would not be heard. */
  failed(): void;
}

export class Inbox {
  readonly #options: InboxOptions;
  /** What must not happen before the backlog is opened; undefined once it is. */
  #waiting: (() => Promise<void>)[] | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** All that waited is opened before anything rings: an offer that was hung up meanwhile never does (section 11, "Coming back"). */
  open(): void {
    this.#waiting = [];
    const { context, mailbox, device, failed } = this.#options;
    void context.run('backlog', async () => {
      try {
        for (const envelope of await mailbox.waiting(device)) await this.#take(envelope);
      } catch (error) {
        failed();
        throw error;
      }
      const tasks = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const task of tasks) await task();
    });
  }

  /** Never throws and never waits. What comes while the backlog is read comes twice, and is refused as the replay that it is. */
  deliver(envelope: Envelope): void {
    // Kept nowhere, and no legacy app shows it.
    if (envelope.type === 'app.volly.presence') return;
    void this.#options.context.run(envelope.type, () => this.#take(envelope));
  }

  async #take(envelope: Envelope): Promise<void> {
    const { apps, context, mailbox } = this.#options;
    // Nobody would hear it ring; it waits for the next app.
    if (apps.size === 0) return;
    mailbox.handed(envelope);
    let verdict: 'done' | 'keep' = 'done';
    try {
      verdict = await this.#open(envelope, () => this.#taken(envelope));
    } catch (error) {
      context.refused(error, envelope.type);
    }
    if (verdict === 'done') this.#taken(envelope);
  }

  #taken(envelope: Envelope): void {
    const { context, mailbox, device } = this.#options;
    mailbox.taken(device, envelope).catch((error) => context.refused(error, 'mailbox'));
  }

  async #open(envelope: Envelope, taken: () => void): Promise<'done' | 'keep'> {
    const { context, apps, calls, queries } = this.#options;
    switch (envelope.type) {
      case 'app.volly.call.offer':
        await onOffer(context, { calls, apps, whenCaughtUp: (task) => this.#whenCaughtUp(task) }, envelope);
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
      case 'app.volly.keys.bundle':
        queries.onBundle(envelope);
        return 'done';
      case 'app.volly.undeliverable':
        await this.#onUndeliverable(envelope);
        return 'done';
      default:
        // Presence is not for legacy members; a stranger's subscribe may be dropped (section 13).
        throw new VollyError('wrong_type', 'not for a legacy member');
    }
  }

  /** Counts from the server in that envelope's `to`, and from our own, which may have heard no ack of it (section 15). */
  async #onUndeliverable({ envelope: id, from, reason }: Extract<Envelope, { type: 'app.volly.undeliverable' }>): Promise<void> {
    const { context, calls, queries } = this.#options;
    const offered = calls.offered(id);
    const member = offered ? memberOf(offered.device) : queries.addressee(id);
    // Of a message whose loss nobody waits for: a candidate, a heartbeat.
    if (!member) return;
    if (from !== serverOf(member) && from !== serverOf(context.keys.member))
      throw new VollyError('wrong_sender', 'undeliverable');
    if (offered) await offered.runner.undelivered(id, reason);
    else queries.onFailed(id, isErrorCode(reason) ? reason : 'undeliverable');
  }

  #whenCaughtUp(task: () => Promise<void>): void {
    if (this.#waiting) this.#waiting.push(task);
    else void this.#options.context.run('ring', task);
  }
}
