/** The door of the legacy adapter: an upgrade with a bearer credential becomes an app. PROTOCOL.md section 16. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Localpart } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { presentedBy, redeemCredential, SUBPROTOCOL } from './credential.ts';
import { type Guest, Lines } from './lines.ts';
import type { LegacyOptions } from './options.ts';
import { textSocket } from './socket.ts';

const LEGACY_PATH = '/volly/legacy';

type Status = 401 | 429 | 503;

export class Legacy {
  readonly #options: LegacyOptions;
  readonly #lines: Lines;
  readonly #ws = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: LIMITS.frameBytes,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  #stopping = false;

  constructor(options: LegacyOptions) {
    this.#options = options;
    this.#lines = new Lines(options);
  }

  /**
   * Takes an upgrade over; false when its path is another's. The Origin header is not looked at: no cookie or address gives a page any
   * right here, only the credential does.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (request.url?.split('?', 1)[0] !== LEGACY_PATH) return false;
    socket.on('error', () => socket.destroy());
    this.#enter(request, socket, head).catch((error) => {
      this.#lines.refused(error, 'upgrade');
      this.#turnAway(socket, 503);
    });
    return true;
  }

  /** Ends a member's calls and connections, with this code. */
  async expel(localpart: Localpart, code: string): Promise<void> {
    await this.#lines.expel(localpart, code);
  }

  /** Hangs up all calls, and lets the apps know why their sockets close. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#lines.stop();
  }

  async #enter(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    const place = this.#stopping ? 503 : await this.#options.enter(request);
    if (typeof place === 'number') return this.#turnAway(duplex, place);
    duplex.once('close', () => place.left());
    const guest = await this.#recognise(request).finally(() => place.greeted());
    if (duplex.destroyed) return place.left();
    if (this.#stopping) return this.#turnAway(duplex, 503);
    if (!guest) return this.#turnAway(duplex, 401);
    this.#ws.handleUpgrade(request, duplex, head, (ws) => this.#lines.join(textSocket(ws), guest));
  }

  async #recognise(request: IncomingMessage): Promise<Guest | undefined> {
    const credential = presentedBy(request.headers);
    const owner = credential === undefined ? undefined : await redeemCredential(this.#options, credential);
    return owner && this.#lines.receive(owner);
  }

  #turnAway(socket: Duplex, status: Status): void {
    this.#options.counters.count('legacy_turned_away', { status: String(status) });
    const also = status === 401 ? 'WWW-Authenticate: Bearer\r\n' : 'Retry-After: 10\r\n';
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${also}Connection: close\r\nContent-Length: 0\r\n\r\n`);
  }
}
