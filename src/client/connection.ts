/**
 * The device's connection to its gateway: one attempt after another, with one queue and one clock over all of them. PROTOCOL.md
 * section 14; what it is given and gives is in connection-types.ts.
 */
import { fromUtf8 } from '../bytes.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { NoticeFrame, NumberedFrame } from '../protocol/channel.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import type { Finished } from '../protocol/handshake.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { BUSY, BUSY_TRIES, backOff, FATAL } from './back-off.ts';
import type { ConnectionOptions, ConnectionState, GatewayConnection, Ticket } from './connection-types.ts';
import { type Item, Outgoing } from './outgoing.ts';

/** Does not connect yet. */
export const openGateway = (options: ConnectionOptions): GatewayConnection => new Gateway(options);

class Gateway implements GatewayConnection, AttemptOwner<Item> {
  readonly #options: ConnectionOptions;
  readonly #outgoing: Outgoing;
  #state: ConnectionState = { kind: 'offline' };
  #attempt: Attempt<Item> | undefined;
  #ticket: Ticket | undefined;
  #tries = 0;
  #cancelRetry: (() => void) | undefined;
  /** Gateway time minus the monotonic clock, ms. */
  #offset: number;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#ticket = options.ticket;
    this.#offset = options.clock.now() - options.clock.monotonic();
    this.#outgoing = new Outgoing(options.clock, () => this.now());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  now(): number {
    return Math.round(this.#offset + this.#options.clock.monotonic());
  }

  connect(): void {
    if (this.#attempt) return;
    this.#cancelRetry?.();
    this.#become({ kind: 'connecting' });
    try {
      this.#attempt = new Attempt(this.#options, this, this.#ticket);
    } catch (cause) {
      this.onGone(new VollyError('not_connected', 'no socket', { cause }), false, []);
    }
  }

  reconnect(): void {
    if (this.#state.kind === 'closed') return;
    this.#tries = 0;
    this.#attempt?.close();
    this.connect();
  }

  async sendEnvelope(envelope: Parameters<GatewayConnection['sendEnvelope']>[0]): Promise<void> {
    await this.#send(() => this.#outgoing.envelope(envelope));
  }

  async publish(bundle: Uint8Array): Promise<void> {
    await this.#send(() => this.#outgoing.publish(bundle));
  }

  close(): void {
    if (this.#state.kind === 'closed') return;
    this.#cancelRetry?.();
    this.#become({ kind: 'closed' });
    this.#attempt?.close();
    this.#outgoing.rejectAll('not_connected');
  }

  onGreeted({ time }: { readonly time: number }): void {
    this.#offset = time - this.#options.clock.monotonic();
    this.#keepTicket(undefined);
  }

  onOnline({ list, listSignature, prekeyHash }: Finished, ticket: Ticket, resumed: boolean): void {
    this.#keepTicket(ticket);
    if (list.length > 0) this.#options.onList?.(list, listSignature);
    this.#options.onShelved?.(prekeyHash);
    this.#become({ kind: 'online', resumed });
    this.#pump();
  }

  async onNumbered(frame: NumberedFrame): Promise<ErrorCode | undefined> {
    const channel = this.#attempt?.channel;
    try {
      const taken = () => channel?.taken(frame.n);
      if (frame.kind === 'envelope') await this.#options.onEnvelope(decodeEnvelope(fromUtf8(frame.envelope)), taken);
      return undefined;
    } catch (error) {
      return error instanceof VollyError ? error.code : 'overloaded';
    }
  }

  onNotice(frame: NoticeFrame): void {
    if (frame.kind === 'list') this.#options.onList?.(frame.list, frame.signature);
    else if (frame.kind === 'delivered') this.#options.onDelivered?.(frame.id);
    else {
      this.#tries = 0;
      this.#options.onCaughtUp?.();
    }
  }

  onSettled(item: Item, code: string | undefined): void {
    this.#outgoing.settled(item, code);
    this.#pump();
  }

  onGone(cause: VollyError, proven: boolean, unsettled: Item[]): void {
    this.#attempt = undefined;
    this.#outgoing.again(unsettled);
    // That another key answers is our own finding, and nobody needs to confirm it.
    if (cause.code === 'wrong_community' || (proven && FATAL.has(cause.code))) this.#become({ kind: 'closed', cause });
    if (this.#state.kind === 'closed') this.#outgoing.rejectAll('not_connected');
    else this.#retry(cause);
  }

  #retry(cause: VollyError): void {
    if (BUSY.has(cause.code)) this.#tries = Math.max(this.#tries, BUSY_TRIES);
    const retryIn = backOff(this.#tries++, this.#options.random);
    this.#become({ kind: 'offline', retryIn, cause });
    this.#cancelRetry = this.#options.clock.after(retryIn, () => this.connect());
  }

  async #send(send: () => Promise<void>): Promise<void> {
    if (this.#state.kind === 'closed') throw new VollyError('not_connected', 'closed');
    const settled = send();
    this.#pump();
    await settled;
  }

  #pump(): void {
    const { channel, bufferedAmount = 0 } = this.#attempt ?? {};
    if (channel) this.#outgoing.pump(channel, LIMITS.socketBufferBytes - bufferedAmount - channel.unflushed);
  }

  #keepTicket(ticket: Ticket | undefined): void {
    if (!ticket && !this.#ticket) return;
    this.#ticket = ticket;
    this.#options.saveTicket?.(ticket);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}
