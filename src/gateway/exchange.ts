/** A socket's messages during the handshake, one at a time and under its deadline. */
import type { Bytes } from '../bytes.ts';
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { RecordSender } from '../protocol/records.ts';
import type { Socket } from './socket.ts';
import type { Exchange } from './welcome.ts';

export interface ExchangeOwner {
  /** Something came. */
  heard(): void;
  closed(): void;
}

export class SocketExchange implements Exchange {
  sender?: RecordSender;
  readonly #socket: Socket;
  readonly #cancel: () => void;
  /** Came before it was asked for: one may, a second one is out of turn. */
  #early: Uint8Array | undefined;
  #waiting: { resolve(message: Uint8Array): void; reject(error: VollyError): void } | undefined;
  #failure: VollyError | undefined;

  constructor(socket: Socket, clock: Clock, owner: ExchangeOwner) {
    this.#socket = socket;
    this.#cancel = clock.after(LIMITS.handshakeMs, () => this.#fail('out of time'));
    socket.onMessage = (message) => {
      owner.heard();
      this.#take(message);
    };
    socket.onClose = () => {
      owner.closed();
      this.#fail('the socket closed');
    };
  }

  next(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure);
      else if (this.#early) resolve(this.#early);
      else this.#waiting = { resolve, reject };
      this.#early = undefined;
    });
  }

  send(message: Bytes): void {
    this.#socket.send(message);
  }

  cancel(): void {
    this.#cancel();
  }

  /** The last message was had. Throws `handshake_failed` when it went wrong while nobody waited for the socket. */
  finish(): void {
    this.#cancel();
    if (this.#early) this.#fail('a message out of turn');
    if (this.#failure) throw this.#failure;
  }

  #take(message: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(message);
    else if (this.#early) this.#fail('a message out of turn');
    else this.#early = message;
  }

  #fail(detail: string): void {
    this.#failure ??= new VollyError('handshake_failed', detail);
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}
