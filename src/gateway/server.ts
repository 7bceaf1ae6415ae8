/** The gateway's WebSocket server: from the upgrade to an authenticated connection. PROTOCOL.md section 14. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { encodeHandshake } from '../protocol/handshake.ts';
import { GATEWAY_PATH } from '../protocol/invite.ts';
import { type Counted, countedAs, socketAddress } from './address.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Door, type Place } from './door.ts';
import { SocketExchange } from './exchange.ts';
import type { GatewayOptions } from './options.ts';
import { Roster } from './roster.ts';
import { Publisher } from './shelf.ts';
import { type Socket, webSocket } from './socket.ts';
import { Tickets } from './tickets.ts';
import { type Host, welcome } from './welcome.ts';

/** What is left of a shutdown's patience once the byes are sent. */
const GOODBYE_MS = 2_000;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #host: Host;
  readonly #connection: ConnectionOptions;
  readonly #door = new Door();
  readonly #sockets = new Set<Socket>();
  readonly #ws = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // What travels is sealed: it does not compress, and compressing beside secrets leaks them.
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: LIMITS.frameBytes,
  });
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { provider, random, clock, members, tickets, directory } = options;
    const roster = new Roster(members, tickets, (...change) => directory.listChanged(...change));
    const publisher = new Publisher({ provider, members, roster, clock });
    const { community, invites } = options;
    this.#host = {
      provider,
      random,
      clock,
      community,
      invites,
      roster,
      publisher,
      tickets: new Tickets({ provider, random, clock, store: tickets }),
    };
    this.#connection = { ...options, publisher };
  }

  /** Serves `/volly/v1` of a server and what `other` takes, and answers 404 to upgrades of any other path. */
  attach(server: Server | SecureServer, other?: Pick<Gateway, 'upgrade'>): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.upgrade(request, socket, head) && !other?.upgrade(request, socket, head)) refuse(socket, 404);
    });
  }

  /**
   * Takes an upgrade over; false when its path is another's. The Origin header is not looked at: no cookie or address gives a page
   * any right here, only a device's keys do.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (request.url?.split('?', 1)[0] !== GATEWAY_PATH) return false;
    socket.on('error', () => socket.destroy());
    const address = countedAs((this.#options.addressOf ?? socketAddress)(request));
    void this.#enter(request, socket, head, address);
    return true;
  }

  async #enter(request: IncomingMessage, duplex: Duplex, head: Buffer, address: Counted): Promise<void> {
    const place = this.#stopping ? 503 : await this.#door.enter(address);
    if (typeof place === 'number') {
      this.#options.counters.count('gateway_refused', { status: String(place) });
      return refuse(duplex, place);
    }
    duplex.once('close', () => place.left());
    if (duplex.destroyed) return place.left();
    this.#ws.handleUpgrade(request, duplex, head, (ws) => void this.greet(webSocket(ws), place));
  }

  /** The handshake on a fresh socket, and what becomes of it. Never rejects. */
  async greet(socket: Socket, place: Place): Promise<void> {
    this.#sockets.add(socket);
    const { clock, counters } = this.#options;
    const exchange = new SocketExchange(socket, clock, {
      heard: () => place.heard(),
      closed: () => this.#sockets.delete(socket),
    });
    place.silent(() => {
      counters.count('gateway_refused', { status: 'silent' });
      socket.destroy();
    });
    try {
      const welcomed = await welcome(this.#host, exchange);
      exchange.finish();
      if (this.#stopping) throw new VollyError('shutting_down');
      new Connection(this.#connection, socket, welcomed);
      const gone = socket.onClose;
      socket.onClose = () => {
        this.#sockets.delete(socket);
        gone();
      };
      counters.count('gateway_handshakes', { result: welcomed.resumed ? 'resumed' : 'full' });
    } catch (error) {
      this.#fail(socket, exchange, error);
    } finally {
      place.greeted();
    }
  }

  #fail(socket: Socket, exchange: SocketExchange, error: unknown): void {
    exchange.cancel();
    if (!(error instanceof VollyError))
      this.#options.log.warn('gateway_failure', { where: 'handshake', code: String(error).slice(0, 200) });
    const code = error instanceof VollyError ? error.code : 'handshake_failed';
    this.#options.counters.count('gateway_handshakes', { result: code });
    const message = encodeHandshake({ kind: 'error', code });
    socket.send(exchange.sender ? exchange.sender.seal(message) : message);
    socket.close(code);
  }

  /** Says bye to all and waits for the sockets to go, at most 2 s. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#options.directory.endAll('shutting_down');
    for (const socket of this.#sockets) socket.close('shutting_down');
    const { clock } = this.#options;
    const end = clock.monotonic() + GOODBYE_MS;
    while (this.#sockets.size > 0 && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(20, resolve));
    for (const socket of this.#sockets) socket.destroy();
  }
}

function refuse(socket: Duplex, status: 404 | 429 | 503): void {
  socket.on('error', () => {});
  const retry = status === 404 ? '' : 'Retry-After: 10\r\n';
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
