/**
 * A reverse proxy that keeps everything that passes: between a bridge and its homeserver, and, with a certificate, between two homeservers.
 * What the demo tells of a call's way, and what the wiretap searches, is what really passed here.
 */
import { once } from 'node:events';
import {
  createServer as createHttp,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerCertificate } from './homeserver/certificates.ts';

export interface Exchange {
  readonly tap: string;
  /** Unix ms, with fractions, of the request's last byte and of the answer's. */
  readonly requestedAt: number;
  readonly answeredAt: number;
  readonly method: string;
  readonly path: string;
  readonly request: Buffer;
  readonly status: number;
  readonly response: Buffer;
}

export interface TapOptions {
  readonly name: string;
  /** 0 = any free port. */
  readonly port?: number;
  readonly target: number;
  /** Present = TLS on both sides: the certificate is shown to callers, `ca` judges the target. */
  readonly tls?: ServerCertificate & { readonly ca: string };
  readonly onExchange?: (exchange: Exchange) => void;
  /** Before a request is passed on. */
  readonly onRequest?: (method: string, path: string) => void;
  /** False: exchanges are only told of. */
  readonly keep?: boolean;
}

export interface Tap {
  readonly port: number;
  readonly exchanges: readonly Exchange[];
  stop(): Promise<void>;
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'accept-encoding']);
const now = (): number => performance.timeOrigin + performance.now();

async function body(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export async function startTap({ name, port = 0, target, tls, onExchange, onRequest, keep = true }: TapOptions): Promise<Tap> {
  const exchanges: Exchange[] = [];
  const agent = tls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });

  async function relay(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = await body(incoming);
    const requestedAt = now();
    onRequest?.(incoming.method ?? '', incoming.url ?? '');
    // Without accept-encoding nobody compresses, so that a search finds what is there.
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([header]) => !HOP_BY_HOP.has(header)));
    const forward = (tls ? httpsRequest : httpRequest)({
      host: 'localhost',
      family: 4,
      port: target,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, 'content-length': request.length },
      agent,
      ca: tls?.ca,
    });
    outgoing.once('close', () => forward.destroy());
    forward.end(request);
    const [answer] = (await once(forward, 'response')) as [IncomingMessage];
    const response = await body(answer);
    const exchange = {
      tap: name,
      requestedAt,
      answeredAt: now(),
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      request,
      status: answer.statusCode ?? 0,
      response,
    };
    if (keep) exchanges.push(exchange);
    onExchange?.(exchange);
    const passed = Object.entries(answer.headers).filter(([header]) => !HOP_BY_HOP.has(header) && header !== 'content-length');
    outgoing.writeHead(exchange.status, { ...Object.fromEntries(passed), 'content-length': response.length });
    outgoing.end(response);
  }

  const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    relay(incoming, outgoing).catch(() => outgoing.destroy());
  };
  const server = tls ? createHttps({ cert: tls.certificate, key: tls.key }, listener) : createHttp(listener);
  server.keepAliveTimeout = 60_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    exchanges,
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}
