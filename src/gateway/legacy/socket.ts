/** A legacy app's WebSocket: text messages, one ending. What stands on it is tested without a network. */
import type { WebSocket } from 'ws';
import { closeCodeOf } from '../../errors.ts';

export interface TextSocket {
  /** Bytes taken by `send` that the kernel has not. */
  readonly bufferedAmount: number;
  /** Never throws; what is sent to a socket that is gone is dropped. */
  send(text: string): void;
  ping(): void;
  /** Ends it, once; messages that still come are dropped. `code` of errors.ts decides the close code. */
  close(code: string): void;
  /** Without waiting for the peer. */
  destroy(): void;
  /** Stop and go on reading: the peer's TCP feels it. */
  pause(): void;
  resume(): void;
  /** The owner's, set before the next turn of the event loop. */
  onMessage: (text: string) => void;
  onPong: () => void;
  /** The socket is gone, by whoever's doing; called once. */
  onClose: () => void;
}

export function textSocket(ws: WebSocket): TextSocket {
  let closing = false;
  const socket: TextSocket = {
    get bufferedAmount() {
      return ws.bufferedAmount;
    },
    send(text) {
      if (!closing) ws.send(text, () => {});
    },
    ping() {
      if (!closing) ws.ping(undefined, undefined, () => {});
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
    onPong: () => {},
    onClose: () => {},
  };
  ws.on('message', (data, isBinary) => {
    if (closing) return;
    if (isBinary) socket.close('bad_encoding');
    else socket.onMessage(data.toString());
  });
  // RFC 6455 wants an answer; a peer that pings and never reads gets none, instead of a queue without end.
  ws.on('ping', (data) => {
    if (ws.bufferedAmount === 0) ws.pong(data);
  });
  ws.on('pong', () => socket.onPong());
  // Protocol violations and messages past maxPayload: ws closes by itself with the code that RFC 6455 has for it.
  ws.on('error', () => {});
  ws.on('close', () => {
    closing = true;
    socket.onClose();
  });
  return socket;
}
