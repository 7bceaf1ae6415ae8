/**
 * A TCP relay on loopback, where a network between two servers would be: TLS passes through untouched. What passes can be late, in order;
 * the network can go away with resets, or without a word.
 */
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server, Socket } from 'node:net';
import { systemClock } from '../../../src/clock.ts';
import type { Way } from '../../support/community.ts';
import { Late } from './late.ts';

export interface RelayOptions {
  /** 0 = any free port. */
  readonly port?: number;
  /** In place of `port`: one that listens already, in another network namespace say. */
  readonly server?: Server;
  readonly target: { readonly host?: string; readonly port: number };
  readonly delay?: Delay;
}

/** Of each chunk each way: `ms` ± `jitterMs`, but none before the one in front of it. */
export interface Delay {
  readonly ms: number;
  readonly jitterMs: number;
  readonly random: () => number;
}

/**
 * `reset`: open connections are reset, and new ones as soon as they are made. `blackhole`: connections stay and new ones are made, and
 * nothing moves, an end neither; what waits moves on when it is over, as retransmissions would bring it.
 */
export type Cut = 'reset' | 'blackhole';

export interface Relay extends Way {
  /** That went in at the caller's side and at the target's. */
  readonly bytes: { readonly there: number; readonly back: number };
  delay: Delay | undefined;
  cut(how: Cut): void;
  heal(): void;
}

interface Connection {
  readonly caller: Socket;
  readonly target: Socket;
  readonly ways: readonly [Late, Late];
}

export async function startRelay({ port = 0, server, target, delay }: RelayOptions): Promise<Relay> {
  const connections = new Set<Connection>();
  const bytes = { there: 0, back: 0 };
  let cut: Cut | undefined;
  const lateness = (): number => {
    const { delay: now } = relay;
    return now ? Math.max(0, now.ms + (2 * now.random() - 1) * now.jitterMs) : 0;
  };
  const wayOf = (from: Socket, to: Socket, direction: 'there' | 'back'): Late => {
    const moved = (length: number): void => {
      bytes[direction] += length;
    };
    return new Late(from, to, { clock: systemClock, lateness, moved });
  };
  const reset = ({ caller, target: there, ways }: Connection): void => {
    for (const way of ways) way.stop();
    for (const socket of [caller, there]) {
      // One that is still connecting would be reset once it has connected: minutes later, where nothing answers any more.
      if (socket.connecting) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  };

  const accept = (caller: Socket): void => {
    if (cut === 'reset') {
      caller.on('error', () => {}).resetAndDestroy();
      return;
    }
    const there = new Socket({ allowHalfOpen: true });
    const ways = [wayOf(caller, there, 'there'), wayOf(there, caller, 'back')] as const;
    const connection = { caller, target: there, ways };
    connections.add(connection);
    const connect = (): void => void there.connect({ host: target.host ?? '127.0.0.1', port: target.port });
    if (cut === 'blackhole') for (const way of ways) way.hold();
    ways[0].whenMoving(connect);
    for (const socket of [caller, there]) {
      socket.setNoDelay(true);
      socket.on('error', () => reset(connection));
      socket.on('close', () => {
        if (caller.destroyed && there.destroyed) connections.delete(connection);
      });
    }
  };

  const options: ListenOptions = { port, host: '127.0.0.1' };
  const door = server ?? createServer({ allowHalfOpen: true }).listen(options);
  door.on('connection', accept);
  if (!door.listening) await once(door, 'listening');
  const address = door.address();
  const relay: Relay = {
    port: typeof address === 'object' && address ? address.port : port,
    bytes,
    delay,
    cut(how) {
      cut = how;
      for (const connection of [...connections]) {
        if (how === 'reset') reset(connection);
        else for (const way of connection.ways) way.hold();
      }
    },
    heal() {
      cut = undefined;
      for (const { ways } of connections) for (const way of ways) way.goOn();
    },
    async stop() {
      for (const connection of [...connections]) reset(connection);
      if (!door.listening) return;
      door.close();
      await once(door, 'close');
    },
  };
  return relay;
}
