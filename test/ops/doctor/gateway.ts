/** What may stand at a gateway's public address: the gateway, another one, or a proxy that is wrong in one of the usual ways. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type WebSocket, WebSocketServer } from 'ws';
import { compositePublicKey, compositeSigner } from '../../../src/crypto/composite.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { selectProvider } from '../../../src/crypto/select.ts';
import type { ServerName } from '../../../src/ids.ts';
import { answerFull, readClientHello } from '../../../src/protocol/handshake-server.ts';
import type { ServerCertificate } from '../../support/homeserver/certificates.ts';
import { HOST } from '../../support/homeserver/ports.ts';

export interface DoorOptions {
  readonly port: number;
  readonly server: ServerName;
  readonly seed: Uint8Array;
  readonly tls?: ServerCertificate;
  /** Answers upgrades with this status instead. */
  readonly status?: number;
  /** Takes sockets, and greets nobody. */
  readonly echoes?: boolean;
}

export async function openDoor({ port, server: name, seed, tls, status, echoes }: DoorOptions): Promise<() => void> {
  const server: Server = tls ? createSecureServer({ cert: tls.certificate, key: tls.key }) : createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (status !== undefined) socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    else sockets.handleUpgrade(request, socket, head, (ws) => (echoes ? ws.on('message', (data) => ws.send(data)) : greet(ws)));
  });
  const provider = selectProvider();
  const publicKey = compositePublicKey(provider, seed);
  const community = { server: name, publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed) };
  const greet = (ws: WebSocket): void => {
    ws.on('message', async (data) => {
      const hello = readClientHello(new Uint8Array(data as Buffer));
      ws.send((await answerFull(provider, hello, community, { now: Date.now(), session: new Uint8Array(16) })).message);
    });
  };
  await once(server.listen(port, HOST), 'listening');
  return () => {
    for (const ws of sockets.clients) ws.terminate();
    server.close();
    server.closeAllConnections();
  };
}
