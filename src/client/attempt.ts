/** One WebSocket from its opening to its end: the handshake of PROTOCOL.md section 14, then a channel. connection.ts makes the next one. */
import { equal } from '../bytes.ts';
import { type ErrorCode, isErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Channel, type NoticeFrame, type NumberedFrame } from '../protocol/channel.ts';
import type { Finished } from '../protocol/handshake.ts';
import { type Greeted, greet, proveDevice, readFinished, readServerHello } from '../protocol/handshake-client.ts';
import { RecordReceiver, RecordSender } from '../protocol/records.ts';
import type { ConnectionOptions, Ticket, WebSocketLike } from './connection-types.ts';

/** What comes of it. Exactly one `onGone`, and after it nothing. */
export interface AttemptOwner<T> {
  /** The server hello was genuine. Its ticket, if there was one, is spent. */
  onGreeted(greeted: Greeted): void;
  onOnline(finished: Finished, ticket: Ticket, resumed: boolean): void;
  onNumbered(frame: NumberedFrame): Promise<ErrorCode | undefined>;
  onNotice(frame: NoticeFrame): void;
  onSettled(item: T, code: string | undefined): void;
  /** `proven` = the gateway itself said so, under this connection's keys. `unsettled` in order. */
  onGone(cause: VollyError, proven: boolean, unsettled: T[]): void;
}

type Stage = (message: Uint8Array) => void | Promise<void>;

const NORMAL = 1000;
const EMPTY = new Uint8Array(0);

export class Attempt<T> {
  readonly #options: ConnectionOptions;
  readonly #owner: AttemptOwner<T>;
  readonly #socket: WebSocketLike;
  readonly #ticket: Ticket | undefined;
  readonly #cancelDeadline: () => void;
  /** What to do with the next message; none is expected while the last one is worked on. */
  #stage: Stage | undefined;
  #channel: Channel<T> | undefined;
  #gone = false;

  /** May throw what the injected factory throws. */
  constructor(options: ConnectionOptions, owner: AttemptOwner<T>, ticket: Ticket | undefined) {
    this.#options = options;
    this.#owner = owner;
    this.#ticket = ticket;
    this.#socket = options.open(options.url);
    this.#socket.binaryType = 'arraybuffer';
    this.#cancelDeadline = options.clock.after(LIMITS.handshakeMs, () => this.#fail(new VollyError('timed_out', 'handshake')));
    this.#socket.onopen = () => this.#hello();
    this.#socket.onmessage = (event: { data: unknown }) => this.#message(event.data);
    // The close code is the transport's word, not the gateway's: that one came as a bye.
    this.#socket.onclose = () => this.#fail(new VollyError('not_connected', 'the socket closed'));
    this.#socket.onerror = () => this.#fail(new VollyError('not_connected', 'the socket failed'));
  }

  /** Undefined until it is online. */
  get channel(): Channel<T> | undefined {
    return this.#channel;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  close(): void {
    if (this.#channel) this.#channel.end('shutting_down');
    else this.#fail(new VollyError('not_connected', 'closed'));
  }

  #message(data: unknown): void {
    if (this.#gone) return;
    const stage = this.#stage;
    if (!(data instanceof ArrayBuffer) || !stage) {
      this.#fail(new VollyError('handshake_failed', 'a message out of turn'));
      return;
    }
    if (!this.#channel) this.#stage = undefined;
    // Runs at once up to its first wait, so that frames right behind the last handshake message find the channel.
    void (async () => stage(new Uint8Array(data)))().catch((error) => this.#fail(error));
  }

  #hello(): void {
    const { provider, random, server, communityKeyHash, onSuccessor } = this.#options;
    const greeting = greet(provider, random, this.#ticket);
    this.#stage = async (message) => {
      const greeted = await readServerHello(provider, greeting, message, { server, communityKeyHash });
      if (!equal(greeted.communityKeyHash, communityKeyHash)) await onSuccessor(greeted.communityKeyHash);
      if (!this.#gone) await this.#prove(greeted);
    };
    this.#socket.send(greeting.message);
  }

  async #prove(greeted: Greeted): Promise<void> {
    const { provider, credentials, clock, token } = this.#options;
    this.#owner.onGreeted(greeted);
    const now = clock.monotonic();
    const sender = new RecordSender(provider, greeted.keys.client, now);
    const receiver = new RecordReceiver(provider, greeted.keys.server);
    const proof = await proveDevice(greeted, {
      identity: greeted.resumed ? EMPTY : credentials.identity(),
      bundle: (greeted.resumed ? undefined : credentials.bundle()) ?? EMPTY,
      token: token ?? EMPTY,
      sign: (message, context) => credentials.sign(message, context),
    });
    if (this.#gone) return;
    this.#stage = (message) => this.#finish(greeted, sender, receiver, message);
    this.#socket.send(sender.seal(proof));
  }

  #finish({ keys, resumed }: Greeted, sender: RecordSender, receiver: RecordReceiver, message: Uint8Array): void {
    let finished: Finished;
    try {
      finished = readFinished(receiver.open(message));
    } catch (error) {
      // Under the keys of this handshake: whoever holds the community key said it.
      this.#fail(error, error instanceof VollyError && error.code !== 'open_failed' && error.code !== 'bad_encoding');
      return;
    }
    this.#cancelDeadline();
    const owner = this.#owner;
    const channel = new Channel<T>({
      clock: this.#options.clock,
      sender,
      receiver,
      accepts: new Set(['caught_up', 'list', 'delivered']),
      send: (record) => this.#socket.send(record),
      onNumbered: (frame) => owner.onNumbered(frame),
      onNotice: (frame) => owner.onNotice(frame),
      onSettled: (item, refused) => owner.onSettled(item, refused?.code),
      onEnd: (code, local) =>
        this.#fail(new VollyError(isErrorCode(code) ? code : 'not_connected', 'the connection ended'), !local),
    });
    this.#channel = channel;
    this.#stage = (record) => void channel.receive(record);
    const ticket = { ticket: finished.ticket, psk: keys.resume.slice() };
    for (const secret of Object.values(keys)) secret.fill(0);
    owner.onOnline(finished, ticket, resumed);
  }

  #fail(error: unknown, proven = false): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelDeadline();
    const cause = error instanceof VollyError ? error : new VollyError('handshake_failed', 'client', { cause: error });
    const unsettled = this.#channel?.stop() ?? [];
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.onerror = () => {};
    this.#socket.close(NORMAL);
    this.#owner.onGone(cause, proven, unsettled);
  }
}
