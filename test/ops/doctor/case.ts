/** A set-up that is broken in one way, and what the doctor must name for it. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerCertificate } from '../../support/homeserver/certificates.ts';
import { HOST } from '../../support/homeserver/ports.ts';
import type { World } from './world.ts';

export interface Case {
  readonly name: string;
  readonly breaks: (world: World) => unknown;
  /** `check:code`, all of them. */
  readonly names: readonly string[];
  /** With a bridge that runs; else none does, and the doctor says so too. */
  readonly runs?: boolean;
  /** With the gateway at its address. */
  readonly isOpen?: boolean;
  /** `told`: those that `breaks` resolves with. */
  readonly peers?: readonly string[] | 'told';
}

/** Not known to any name service, and no name service need be asked: a label is too long. */
export const NOWHERE = `${'x'.repeat(64)}.invalid`;

/** Another program at a port, a free one unless given. */
export async function elsewhere(world: World, answer: RequestListener, port = 0, tls?: ServerCertificate): Promise<number> {
  const server = tls ? createSecureServer({ cert: tls.certificate, key: tls.key }, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
  world.end(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
