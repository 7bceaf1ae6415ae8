/** An HTTP listener that closes when told, whatever connections are kept alive. */
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { VollyError } from '../errors.ts';

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** From the first byte of a connection to the last one of its request: nobody holds sockets by sending nothing. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** Port 0 takes a free one. Throws `port_taken`, for every reason why the address cannot be listened on. */
export async function listen(server: Server | SecureServer, at: { host: string; port: number }): Promise<Listener> {
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new VollyError('port_taken', `${at.host}:${at.port} ${error.code}`, { cause: error }));
    });
    server.listen(at.port, at.host, resolve);
  });
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** One that listens everywhere is reached on this machine. As it stands in an address. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
