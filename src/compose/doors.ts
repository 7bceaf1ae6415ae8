/** What members' apps connect to: the gateway, and beside it the legacy adapter where the configuration admits it. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { ErrorCode } from '../errors.ts';
import { countedAs, forwardedAddress } from '../gateway/address.ts';
import { Door } from '../gateway/door.ts';
import type { LegacyKeys } from '../gateway/legacy/keys.ts';
import { Legacy } from '../gateway/legacy/server.ts';
import type { GatewayOptions } from '../gateway/options.ts';
import { Gateway } from '../gateway/server.ts';
import type { Localpart } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { listen } from '../ops/listen.ts';
import type { Stores } from '../storage/types.ts';
import type { Settings } from './reload.ts';
import { readTls } from './tls.ts';

/** Ends TLS itself only where the configuration has a certificate; everything but an upgrade is answered with 426. */
export function gatewayServer(settings: Settings): Server | SecureServer {
  const answer: RequestListener = (_request, response) =>
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end();
  if (settings.now.gateway.tls === undefined) return createServer(answer);
  const server = createSecureServer(answer);
  settings.follow((now) => server.setSecureContext(readTls(now) ?? {}));
  return server;
}

export type Doorway = Omit<GatewayOptions, 'invites' | 'tickets' | 'addressOf'> & Pick<Stores, 'invites' | 'tickets' | 'facts'>;

export interface Doors {
  /** Ends the calls and connections of a member’s legacy apps. */
  expel(member: Localpart, code: ErrorCode): Promise<void>;
  /** No new apps, goodbyes, then the listener. */
  close(): Promise<void>;
}

/** Listens. */
export async function openDoors(
  settings: Settings,
  sockets: Server | SecureServer,
  { invites, tickets, facts, ...doorway }: Doorway,
  legacyKeys: LegacyKeys | undefined,
): Promise<Doors> {
  let behindProxies = forwardedAddress([]);
  settings.follow(({ gateway }) => {
    behindProxies = forwardedAddress(gateway.trusted_proxies);
  });
  const addressOf = (request: IncomingMessage) => behindProxies(request);
  const gateway = new Gateway({ ...doorway, invites, tickets, addressOf });
  const legacyDoor = new Door();
  const enter = (request: IncomingMessage) => legacyDoor.enter(countedAs(addressOf(request)));
  const legacy = legacyKeys && new Legacy({ ...doorway, keys: legacyKeys, facts, enter });
  // Before a handshake counts them, sockets are only sockets: more than this is nobody's members.
  sockets.maxConnections = LIMITS.connections;
  gateway.attach(sockets, legacy);
  const door = await listen(sockets, settings.now.gateway.listen);
  return {
    async expel(member, code) {
      await legacy?.expel(member, code);
    },
    async close() {
      await legacy?.stop();
      await gateway.stop();
      await door.close();
    },
  };
}
