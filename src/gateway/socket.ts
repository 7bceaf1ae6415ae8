/** A WebSocket as the gateway sees it: binary messages, back-pressure, one ending. Everything above is tested without a network. */
import type { WebSocket } from 'ws';
import type { Bytes } from '../bytes.ts';
import { closeCodeOf } from '../errors.ts';

export interface Socket {
  /** Bytes taken by `send` that the kernel has not. */
  readonly bufferedAmount: number;
  /** Never throws; what is sent to a socket that is gone is dropped. */
  send(message: Bytes): void;
  /** Ends it, once; messages that still come are dropped. `code` of errors.ts decides the close code. */
  close(code: string): void;
  /** Without waiting for the peer. */
  destroy(): void;
  /** Stop and go on reading: the peer's TCP feels it. */
  pause(): void;
  resume(): void;
  /** The owner's, set before the next turn of the event loop. */
  onMessage: (message: Uint8Array) => void;
  /** `bufferedAmount` has fallen. */
  onDrain: () => void;
  /** The socket is gone, by whoever's doing; called once. */
  onClose: () => void;
}

export function webSocket(ws: WebSocket): Socket {
  let closing = false;
  const socket: Socket = {
    get bufferedAmount() {
      return ws.bufferedAmount;
    },
    send(message) {
      if (!closing) ws.send(message, { binary: true }, () => socket.onDrain());
    },
    close(code) {
      if (closing) return;
      closing = true;
      // A paused socket would never see the peer's answer to the close.
      ws.resume();
      ws.close(closeCodeOf(code), code);
    },
    destroy: () => ws.terminate(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    onMessage: () => {},
    onDrain: () => {},
    onClose: () => {},
  };
  ws.on('message', (data, isBinary) => {
    if (closing) return;
    if (isBinary && data instanceof Uint8Array) socket.onMessage(data);
    else socket.close('bad_encoding');
  });
  // RFC 6455 wants an answer; a peer that pings and never reads gets none, instead of a queue without end.
  ws.on('ping', (data) => {
    if (ws.bufferedAmount === 0) ws.pong(data);
  });
  // Protocol violations and messages past maxPayload: ws closes by itself with the code that RFC 6455 has for it.
  ws.on('error', () => {});
  ws.on('close', () => {
    closing = true;
    socket.onClose();
  });
  return socket;
}
