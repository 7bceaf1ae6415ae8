/**
 * A connection after its handshake, as both sides run it: records in, records out, numbering, settling, pings (PROTOCOL.md
 * section 14.5). What the frames mean is its owner's business. No I/O: bytes go through the owner, time through its clock.
 */
import type { Bytes } from '../bytes.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import { type Frame, frameSize, packFrames } from './frames.ts';
import { Liveness } from './liveness.ts';
import type { RecordReceiver, RecordSender } from './records.ts';
import { type Refusal, Settler, Unsettled } from './window.ts';

export type NumberedFrame = Extract<Frame, { kind: 'envelope' | 'publish' }>;
export type NoticeFrame = Extract<Frame, { kind: 'caught_up' | 'list' | 'delivered' | 'taken' }>;
type Unnumbered<F> = F extends { n: number } ? Omit<F, 'n'> : never;

const ONE_WAY: ReadonlySet<Frame['kind']> = new Set(['publish', 'caught_up', 'list', 'delivered', 'taken']);

export interface ChannelOwner<T> {
  readonly clock: Clock;
  readonly sender: RecordSender;
  readonly receiver: RecordReceiver;
  /** The kinds that only one side may send, as far as this side takes them. */
  readonly accepts: ReadonlySet<Frame['kind']>;
  send(record: Bytes): void;
  /** Work on a frame: resolves to be acknowledged, or to a code to be refused with. Called in order; never rejects. */
  onNumbered(frame: NumberedFrame): Promise<ErrorCode | undefined>;
  /** What it throws ends the connection: the peer has no business to say so. */
  onNotice(frame: NoticeFrame): void;
  /** A frame sent with this item was settled. In order. */
  onSettled(item: T, refused: Refusal | undefined): void;
  /**
   * It is over: close the socket. `local` = this side says so and a bye is on its way; otherwise the peer said bye. An error that
   * is no VollyError is a bug of ours that some bytes have found: it ends this connection and nothing more.
   */
  onEnd(code: string, local: boolean, error?: unknown): void;
}

export class Channel<T> {
  readonly #owner: ChannelOwner<T>;
  readonly #unsettled = new Unsettled<T>();
  readonly #settler = new Settler();
  readonly #liveness: Liveness;
  #out: Frame[] = [];
  #outBytes = 0;
  #flushing = false;
  #ended = false;

  constructor(owner: ChannelOwner<T>) {
    this.#owner = owner;
    this.#liveness = new Liveness(
      owner.clock,
      (id) => this.send({ kind: 'ping', id }),
      () => this.end('timed_out'),
    );
  }

  /** How many numbered frames may be sent now. */
  get room(): number {
    return this.#unsettled.room;
  }

  /** Bytes that go out at the end of this turn: no socket counts them yet. */
  get unflushed(): number {
    return this.#outBytes;
  }

  /** `item` comes back through `onSettled`. The caller has looked at `room`. */
  sendNumbered(frame: Unnumbered<NumberedFrame>, item: T): void {
    this.send({ ...frame, n: this.#unsettled.add(item) } as NumberedFrame);
  }

  /** Frame n of the peer's, which this side refused, has been taken after all. */
  taken(n: number): void {
    for (const settlement of this.#settler.taken(n)) this.send(settlement);
  }

  /** Goes out at the end of this turn, together with whatever else does: a record costs more than a frame. */
  send(frame: Frame): void {
    if (this.#ended) return;
    if (frame.kind === 'ack' && this.#out.at(-1)?.kind === 'ack') this.#out.pop();
    this.#out.push(frame);
    this.#outBytes += frameSize(frame);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Says bye and ends. A second call does nothing. */
  end(code: ErrorCode, error?: unknown): void {
    if (this.#ended) return;
    this.#out.push({ kind: 'bye', code });
    this.#flush();
    this.#halt();
    this.#owner.onEnd(code, true, error);
  }

  /** The socket is gone: no more timers and frames. Returns what is unsettled, in order, the first time. */
  stop(): T[] {
    this.#halt();
    return this.#unsettled.drain();
  }

  /** One WebSocket message. Never throws, whatever is in it. Returns how many frames it held. */
  receive(record: Uint8Array): number {
    if (this.#ended) return 0;
    try {
      const frames = this.#owner.receiver.openFrames(record);
      this.#liveness.heard();
      for (const frame of frames) if (!this.#ended) this.#onFrame(frame);
      return frames.length;
    } catch (error) {
      this.end(error instanceof VollyError ? error.code : 'bad_encoding', error);
      return 0;
    }
  }

  #halt(): void {
    this.#ended = true;
    this.#liveness.stop();
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#ended) return;
    const frames = this.#out;
    this.#out = [];
    this.#outBytes = 0;
    for (const record of packFrames(frames))
      this.#owner.send(this.#owner.sender.sealFrames(record, this.#owner.clock.monotonic()));
  }

  #onFrame(frame: Frame): void {
    const owner = this.#owner;
    if (ONE_WAY.has(frame.kind) && !owner.accepts.has(frame.kind))
      throw new VollyError('bad_encoding', 'frame in the wrong direction');
    if (frame.kind === 'envelope' || frame.kind === 'publish') this.#onNumbered(frame);
    else if (frame.kind === 'ack') for (const item of this.#unsettled.ack(frame.n)) owner.onSettled(item, undefined);
    else if (frame.kind === 'refused') owner.onSettled(this.#unsettled.refuse(frame.n), frame);
    else if (frame.kind === 'ping') this.send({ kind: 'pong', id: frame.id });
    else if (frame.kind === 'bye') {
      this.#halt();
      owner.onEnd(frame.code, false);
    } else if (frame.kind !== 'pong' && frame.kind !== 'key_update') owner.onNotice(frame);
  }

  #onNumbered(frame: NumberedFrame): void {
    this.#settler.receive(frame.n);
    void this.#owner.onNumbered(frame).then((code) => {
      if (!this.#ended) for (const settlement of this.#settler.end(frame.n, code)) this.send(settlement);
    });
  }
}
