/**
 * Ports for servers that other programs bind, so that two runs on one machine never meet.
 *
 * Ports come in blocks of four, and whoever holds a listener on a block's first port owns its other three. The kernel lets go of
 * that listener however its process ends, so there is no lock file to go stale.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

export const HOST = '127.0.0.1';

const BLOCK = 4;
const TRIES = 200;
/** Below the ports that Linux (from 32,768) and others (from 49,152) give to outgoing connections, which would take one in a restart. */
const FIRST = 18_000;
const LAST = 32_000;

async function bind(port: number): Promise<Server | undefined> {
  // Destroys what connects: the port is held, never served.
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host: HOST, exclusive: true });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = await bind(port);
  if (server === undefined) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/** Three free ports on loopback, this process's own until it ends. */
export async function reservePorts(): Promise<[number, number, number]> {
  for (let i = 0; i < TRIES; i++) {
    const first = FIRST + BLOCK * randomInt((LAST - FIRST) / BLOCK);
    const holder = await bind(first);
    if (holder === undefined) continue;
    const ports: [number, number, number] = [first + 1, first + 2, first + 3];
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) {
      holder.unref(); // holds the port, not the process
      return ports;
    }
    holder.close();
  }
  throw new Error(`No three free ports in a row between ${FIRST} and ${LAST} after ${TRIES} tries`);
}
