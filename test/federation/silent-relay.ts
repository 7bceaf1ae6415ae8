/** A TCP relay in front of a gateway that can go silent: connections stay open and carry nothing, as when a network vanishes. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Community } from '../support/community.ts';

export interface SilentRelay {
  readonly port: number;
  /** Connections since the start. */
  readonly made: number;
  /** Those there are carry nothing any more, either way; new ones work. */
  silence(): void;
  /** Those there are break off. */
  cut(): void;
  close(): void;
}

export async function startRelay({ gatewayUrl }: Community): Promise<SilentRelay> {
  const target = Number(new URL(gatewayUrl).port);
  const pairs = new Set<readonly [Socket, Socket]>();
  let made = 0;
  const server = createServer((near) => {
    made++;
    const far = connect(target, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => {}); // its close says the same
      from.on('close', () => to.destroy());
    }
    near.on('close', () => pairs.delete(pair));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = () => [...pairs].flat();
  return {
    port: (server.address() as AddressInfo).port,
    get made() {
      return made;
    },
    silence() {
      for (const socket of sockets()) {
        socket.removeAllListeners('data');
        socket.removeAllListeners('close');
        // Swallowed: a full buffer would be a sign of life.
        socket.on('data', () => {});
      }
    },
    cut() {
      for (const socket of sockets()) socket.destroy();
    },
    close() {
      server.close();
      for (const socket of sockets()) socket.destroy();
    },
  };
}
