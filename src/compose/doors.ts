/** What members' apps connect to: the gateway, and beside it the legacy adapter where the configuration admits it. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import { countedAs, forwardedAddress } from '../gateway/address.ts';
import { Door } from '../gateway/door.ts';
import type { LegacyKeys } from '../gateway/legacy/keys.ts';
import { Legacy } from '../gateway/legacy/server.ts';
import type { GatewayOptions } from '../gateway/options.ts';
import { Gateway } from '../gateway/server.ts';
import { LIMITS } from '../limits.ts';
import { listen } from '../ops/listen.ts';
import type { Stores } from '../storage/types.ts';

/** Ends TLS itself only where the configuration has a certificate; everything but an upgrade is answered with 426. */
export function gatewayServer({ gateway: { tls } }: Pick<Config, 'gateway'>): Server | SecureServer {
  const answer: RequestListener = (_request, response) =>
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end();
  if (!tls) return createServer(answer);
  try {
    return createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, answer);
  } catch (error) {
    throw new VollyError('bad_config', `gateway.tls: ${(error as Error).message}`, { cause: error });
  }
}

export type Doorway = Omit<GatewayOptions, 'invites' | 'tickets' | 'addressOf'> & Pick<Stores, 'invites' | 'tickets' | 'facts'>;

/** Listens. The function it resolves with ends it all: no new apps, goodbyes, then the listener. */
export async function openDoors(
  config: Pick<Config, 'gateway'>,
  sockets: Server | SecureServer,
  { invites, tickets, facts, ...doorway }: Doorway,
  legacyKeys: LegacyKeys | undefined,
): Promise<() => Promise<void>> {
  const addressOf = forwardedAddress(config.gateway.trusted_proxies);
  const gateway = new Gateway({ ...doorway, invites, tickets, addressOf });
  const legacyDoor = new Door();
  const enter = (request: IncomingMessage) => legacyDoor.enter(countedAs(addressOf(request)));
  const legacy = legacyKeys && new Legacy({ ...doorway, keys: legacyKeys, facts, enter });
  // Before a handshake counts them, sockets are only sockets: more than this is nobody's members.
  sockets.maxConnections = LIMITS.connections;
  gateway.attach(sockets, legacy);
  const door = await listen(sockets, config.gateway.listen);
  return async () => {
    await legacy?.stop();
    await gateway.stop();
    await door.close();
  };
}
