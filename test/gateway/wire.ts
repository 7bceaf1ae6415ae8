/** A WebSocket without a network: both ends in one process, messages moved one at a time by whoever holds the wire. */
import type { WebSocketLike } from '../../src/client/connection-types.ts';
import type { Socket } from '../../src/gateway/socket.ts';

type Way = 'up' | 'down';

export class Wire {
  readonly queues: Record<Way, Uint8Array<ArrayBuffer>[]> = { up: [], down: [] };
  /** Every message that was handed to the wire, delivered or not. */
  readonly log: { way: Way; message: Uint8Array }[] = [];
  /** What the gateway closed with. */
  closedWith: string | undefined;
  paused = false;
  /** The client's end does not read. */
  hold = false;
  cut = false;
  /** Changes a message on its way; undefined drops it. */
  tamper: (way: Way, message: Uint8Array<ArrayBuffer>, index: number) => Uint8Array<ArrayBuffer> | undefined = (_, message) =>
    message;
  readonly #auto: boolean;
  #moving = false;
  readonly #counts: Record<Way, number> = { up: 0, down: 0 };
  readonly client: WebSocketLike;
  readonly gateway: Socket;

  /** `auto`: messages move by themselves, each in a turn of its own. */
  constructor(auto: boolean, greet: (socket: Socket) => void) {
    this.#auto = auto;
    this.client = {
      binaryType: 'blob',
      bufferedAmount: 0,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (data) => this.#put('up', data),
      close: () => this.sever(),
    };
    this.gateway = this.#makeGateway();
    setImmediate(() => {
      if (this.cut) return;
      greet(this.gateway);
      (this.client.onopen as ((event: object) => void) | null)?.({});
    });
  }

  #makeGateway(): Socket {
    const wire = this;
    return {
      get bufferedAmount() {
        return wire.queues.down.reduce((sum, message) => sum + message.length, 0);
      },
      send: (message) => {
        if (this.closedWith === undefined) this.#put('down', message);
      },
      close: (code) => {
        this.closedWith ??= code;
        if (!this.cut) setImmediate(() => this.sever());
      },
      destroy: () => this.sever(),
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
        this.#move();
      },
      onMessage: () => {},
      onDrain: () => {},
      onClose: () => {},
    };
  }

  #put(way: Way, message: Uint8Array): void {
    if (this.cut) return;
    this.log.push({ way, message: message.slice() });
    const changed = this.tamper(way, message.slice() as Uint8Array<ArrayBuffer>, this.#counts[way]++);
    if (changed) this.queues[way].push(changed);
    this.#move();
  }

  #move(): void {
    if (!this.#auto || this.#moving) return;
    this.#moving = true;
    setImmediate(() => {
      this.#moving = false;
      if (this.deliver('up') || this.deliver('down')) this.#move();
    });
  }

  /** Moves one message; false when there is none, or nobody reads. */
  deliver(way: Way): boolean {
    if (this.cut || (way === 'up' ? this.paused : this.hold)) return false;
    const message = this.queues[way].shift();
    if (!message) return false;
    if (way === 'up') this.gateway.onMessage(message);
    else {
      (this.client.onmessage as ((event: object) => void) | null)?.({ data: message.buffer });
      this.gateway.onDrain();
    }
    return true;
  }

  /** A message of a hostile client. */
  inject(message: Uint8Array<ArrayBuffer>): void {
    this.queues.up.push(message);
    this.#move();
  }

  /** The cable. What was under way is lost; what the gateway said with its close arrives. */
  sever(): void {
    if (this.cut) return;
    if (this.closedWith !== undefined) while (this.deliver('down'));
    this.cut = true;
    this.gateway.onClose();
    (this.client.onclose as ((event: object) => void) | null)?.({ code: 1006, reason: '' });
  }
}
