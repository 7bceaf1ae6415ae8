/** One authenticated device: its frames up and down (PROTOCOL.md section 14.5). */
import { type ErrorCode, isErrorCode, VollyError } from '../errors.ts';
import type { DeviceAddress, EnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { Channel, type NumberedFrame } from '../protocol/channel.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Signed } from '../protocol/list.ts';
import type { OnlineDevice } from './directory.ts';
import { Downward } from './downward.ts';
import type { GatewayOptions } from './options.ts';
import type { Publisher } from './shelf.ts';
import type { Socket } from './socket.ts';
import { Throttle } from './throttle.ts';
import { MALFORMED, readUpward } from './upward.ts';
import type { Welcomed } from './welcome.ts';

export interface ConnectionOptions
  extends Pick<GatewayOptions, 'clock' | 'route' | 'mailbox' | 'directory' | 'log' | 'counters'> {
  readonly publisher: Publisher;
}

export class Connection implements OnlineDevice {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #device: DeviceAddress;
  readonly #throttle: Throttle;
  readonly #channel: Channel<Envelope>;
  readonly #downward: Downward;
  /** Why the socket is not read; it is as long as there is a reason. */
  readonly #pauses = new Set<'rate' | 'buffer'>();
  #cancelPause: (() => void) | undefined;

  /** Takes the socket over, tells the device that it is in, and sends what waits for it. */
  constructor(options: ConnectionOptions, socket: Socket, { device, sender, receiver, finished }: Welcomed) {
    this.#options = options;
    this.#socket = socket;
    this.#device = device;
    const { clock, mailbox, directory } = options;
    this.#throttle = new Throttle(clock);
    this.#channel = new Channel<Envelope>({
      clock,
      sender,
      receiver,
      accepts: new Set(['publish', 'taken']),
      send: (record) => socket.send(record),
      onNumbered: (frame) => this.#work(frame),
      onNotice: (frame) => {
        if (frame.kind === 'taken') this.#downward.taken(frame.n);
      },
      onSettled: (envelope, refused) => this.#downward.settled(envelope, refused?.n),
      onEnd: (code, _local, error) => this.#close(code, error),
    });
    this.#downward = new Downward({
      device,
      mailbox,
      channel: this.#channel,
      budget: () => LIMITS.socketBufferBytes - socket.bufferedAmount - this.#channel.unflushed,
      failed: (error) => {
        this.#broken('mailbox', error);
        this.end('overloaded');
      },
      untaken: (error) => this.#broken('mailbox', error),
      tired: () => this.end('overloaded'),
    });
    socket.onMessage = (message) => this.#receive(message);
    socket.onDrain = () => this.#drained();
    socket.onClose = () => this.#gone();
    directory.enter(device, this);
    socket.send(finished);
    void this.#downward.start();
  }

  deliver(envelope: Envelope): void {
    this.#downward.offer(envelope);
  }

  delivered(id: EnvelopeId): void {
    this.#channel.send({ kind: 'delivered', id });
  }

  pushList({ bytes, signature }: Signed): void {
    this.#channel.send({ kind: 'list', list: bytes, signature });
  }

  end(code: ErrorCode): void {
    this.#channel.end(code);
  }

  #receive(message: Uint8Array): void {
    const wait = this.#throttle.spend(this.#channel.receive(message));
    if (wait > 0) {
      this.#cancelPause?.();
      this.#cancelPause = this.#options.clock.after(wait, () => this.#resume('rate'));
      this.#pause('rate');
    }
    // A peer that asks without reading the answers is not listened to either.
    if (this.#socket.bufferedAmount > LIMITS.socketBufferBytes) this.#pause('buffer');
  }

  /** Resolves to the code of a refusal. Runs up to the router's first wait in the order of the frames. */
  async #work(frame: NumberedFrame): Promise<ErrorCode | undefined> {
    const { route, publisher, counters } = this.#options;
    try {
      if (frame.kind === 'publish') await publisher.publish(this.#device, frame.bundle);
      else await route.route(readUpward(frame.envelope, this.#device), { kind: 'device', device: this.#device });
      return undefined;
    } catch (error) {
      if (!(error instanceof VollyError)) this.#broken('frame', error);
      const code = error instanceof VollyError ? error.code : 'overloaded';
      counters.count('gateway_frames_refused', { code });
      if (MALFORMED.has(code) && this.#throttle.strike()) this.#channel.end('rate_limited');
      return code;
    }
  }

  #pause(reason: 'rate' | 'buffer'): void {
    if (this.#pauses.size === 0) this.#socket.pause();
    this.#pauses.add(reason);
  }

  #resume(reason: 'rate' | 'buffer'): void {
    if (this.#pauses.delete(reason) && this.#pauses.size === 0) this.#socket.resume();
  }

  #drained(): void {
    if (this.#socket.bufferedAmount <= LIMITS.socketBufferBytes) this.#resume('buffer');
    this.#downward.pump();
  }

  #broken(where: string, error: unknown): void {
    this.#options.log.warn('gateway_failure', {
      where,
      code: error instanceof VollyError ? error.code : String(error).slice(0, 200),
    });
  }

  #close(code: string, error: unknown): void {
    if (error !== undefined && !(error instanceof VollyError)) this.#broken('record', error);
    // A device may say bye with any word: it must not become a label.
    this.#options.counters.count('gateway_closed', { code: isErrorCode(code) ? code : 'other' });
    this.#options.directory.leave(this.#device, this);
    this.#socket.close(code);
  }

  #gone(): void {
    this.#cancelPause?.();
    this.#channel.stop();
    this.#options.directory.leave(this.#device, this);
  }
}
