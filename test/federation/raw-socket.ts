/** A WebSocket to a gateway without the SDK: sends whatever it is told to. */
import { once } from 'node:events';
import { connect } from 'node:net';
import WebSocket from 'ws';
import type { Community } from '../support/community.ts';
import { within } from '../support/people.ts';

export interface RawSocket {
  readonly ws: WebSocket;
  /** The close code. */
  readonly closed: Promise<number>;
}

const urlOf = ({ gatewayUrl }: Community): string => `${gatewayUrl}/volly/v1`;

export async function openRaw(community: Community): Promise<RawSocket> {
  const ws = new WebSocket(urlOf(community), { perMessageDeflate: false });
  const closed = new Promise<number>((resolve) => ws.once('close', resolve));
  ws.on('error', () => {}); // what the gateway does to a connection is seen in `closed`
  await within('a WebSocket opens', once(ws, 'open'));
  return { ws, closed };
}

/** Sends these messages, whatever is answered, and resolves with the close code. */
export async function closeCodeOf(community: Community, ...messages: readonly (Uint8Array | string)[]): Promise<number> {
  const { ws, closed } = await openRaw(community);
  for (const message of messages) ws.send(message, { binary: typeof message !== 'string' });
  return within('the gateway closes', closed);
}

/** The status with which the gateway declines to open a WebSocket. */
export async function declined(community: Community, path = '/volly/v1'): Promise<number | undefined> {
  const ws = new WebSocket(community.gatewayUrl + path);
  ws.on('error', () => {});
  const [, { statusCode }] = await within('the gateway declines', once(ws, 'unexpected-response'));
  return statusCode;
}

/** Bytes that are not even HTTP. Resolves when the gateway has hung up. */
export async function sendRaw(community: Community, bytes: Uint8Array): Promise<void> {
  const socket = connect(Number(new URL(community.gatewayUrl).port), '127.0.0.1');
  socket.on('error', () => {}); // a reset is as good as an end
  const closed = once(socket, 'close');
  socket.resume();
  socket.write(bytes);
  await within('the gateway hangs up', closed);
}
