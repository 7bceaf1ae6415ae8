/**
 * A homeserver with everything that a doctor asks of one, and a knob for each way in which it can be wrong: the client API over HTTP or TLS, and
 * what it serves to other servers. What is refused is refused in Synapse's words, which test/federation/doctor.test.ts holds it to.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerCertificate } from '../../support/homeserver/certificates.ts';
import { HOST } from '../../support/homeserver/ports.ts';

/** Synapse's. */
const PAGE = 100;

type Json = Record<string, unknown>;
export type Reply = readonly [status: number, body: unknown, headers?: Record<string, string>];

/** The registration that this homeserver has loaded. */
export interface Loaded {
  readonly id: string;
  readonly url: string;
  readonly asToken: string;
  readonly hsToken: string;
  /** False: other namespaces than the bridge's. */
  readonly owns: boolean;
}

export class TestHomeserver {
  loaded: Loaded | undefined;
  /** Instead of the true one. */
  serverName: string;
  software = 'Synapse/1.163.2';
  clockAheadMs = 0;
  /** How long a message to a device takes; never: it is lost. */
  echoMs = 0;
  turn: Json = {};
  /** Other servers: what our homeserver sees of them. */
  readonly peers = new Map<string, 'bridge' | 'no bridge' | 'unreachable'>();
  /** Before all else; of the client API. */
  instead: (path: string) => Reply | undefined | Promise<Reply> = () => undefined;
  /** What /_matrix/key/v2/server says it is. */
  federationName: string;
  readonly #inbox: { readonly event: Json; readonly at: number }[] = [];
  readonly #client: Server;
  readonly #federation: Server;

  private constructor(client: Server, federation: Server) {
    this.#client = client.on(
      'request',
      this.#listen((...asked) => this.#answer(...asked)),
    );
    this.#federation = federation.on(
      'request',
      this.#listen(async () => [200, { server_name: this.federationName }]),
    );
    this.serverName = `localhost:${portOf(federation)}`;
    this.federationName = this.serverName;
  }

  static async start(federation: ServerCertificate, client?: ServerCertificate): Promise<TestHomeserver> {
    const secure = ({ certificate, key }: ServerCertificate): Server => createSecureServer({ cert: certificate, key });
    const servers = [client ? secure(client) : createServer(), secure(federation)] as const;
    for (const server of servers) await once(server.listen(0, HOST), 'listening');
    return new TestHomeserver(...servers);
  }

  get port(): number {
    return portOf(this.#client);
  }

  async stop(): Promise<void> {
    for (const server of [this.#client, this.#federation]) {
      server.close();
      server.closeAllConnections();
    }
  }

  stopFederation(): void {
    this.#federation.close();
    this.#federation.closeAllConnections();
  }

  #listen(answer: (request: IncomingMessage, body: Json) => Promise<Reply>): RequestListener {
    return (request: IncomingMessage, response: ServerResponse) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Json) : {};
        const reply = await answer(request, body);
        const [status, content, headers] = reply;
        const date = new Date(Date.now() + this.clockAheadMs).toUTCString();
        response.writeHead(status, { 'content-type': 'application/json', server: this.software, date, ...headers });
        response.end(typeof content === 'string' ? content : JSON.stringify(content));
      })();
    };
  }

  async #answer(request: IncomingMessage, body: Json): Promise<Reply> {
    const instead = await this.instead(request.url ?? '/');
    if (instead) return instead;
    const url = new URL(request.url ?? '/', 'http://test');
    const path = decodeURIComponent(url.pathname).replace(/^\/_matrix\/client\//, '');
    if (path === 'versions') return [200, { versions: ['v1.12'] }];
    if (request.headers.authorization !== `Bearer ${this.loaded?.asToken}`) return refuse(401, 'M_UNKNOWN_TOKEN');
    const user = url.searchParams.get('user_id') ?? undefined;
    if (user !== undefined && !this.loaded?.owns) return refuse(403, 'M_FORBIDDEN');
    const [, area = '', ...rest] = path.split('/');
    switch (`${request.method} ${area}`) {
      case 'GET account':
        return [200, { user_id: user ?? `@_volly.as:${this.serverName}` }];
      case 'POST register':
        return this.loaded?.owns ? [200, {}] : refuse(400, 'M_EXCLUSIVE');
      case 'PUT devices':
        return [200, {}];
      case 'PUT sendToDevice':
        return this.#keep(rest[0] ?? '', body);
      case 'GET sync':
        return [200, { next_batch: 's1', to_device: { events: this.#arrived() } }];
      case 'GET voip':
        return [200, this.turn];
      case 'POST appservice':
        return this.#ping(rest[0] ?? '');
      case 'POST keys':
        return [200, { device_keys: {}, failures: this.#failures(body) }];
      case 'GET profile':
        return this.#profile(rest[0] ?? '');
      default:
        return refuse(404, 'M_UNRECOGNIZED');
    }
  }

  /** What other communities have sent, and no bridge has read. */
  fill(count: number, bytes: number): void {
    const event = { type: 'app.volly.hello', content: { text: 'x'.repeat(bytes) } };
    this.#inbox.push(...Array.from({ length: count }, () => ({ event, at: 0 })));
  }

  #keep(type: string, body: Json): Reply {
    const devices = Object.values(body['messages'] as Record<string, Record<string, Json>>);
    const contents = devices.flatMap((one) => Object.values(one));
    const at = performance.now() + this.echoMs;
    this.#inbox.push(...contents.map((content) => ({ event: { type, content }, at })));
    return [200, {}];
  }

  #arrived(): readonly Json[] {
    const there = this.#inbox.filter(({ at }) => at <= performance.now());
    return there.slice(0, PAGE).map(({ event }) => event);
  }

  /** As Synapse does it: MSC2659. */
  async #ping(id: string): Promise<Reply> {
    if (id !== this.loaded?.id) return refuse(403, 'M_FORBIDDEN');
    const { url, hsToken } = this.loaded;
    try {
      const answer = await fetch(`${url}/_matrix/app/v1/ping`, {
        method: 'POST',
        headers: { authorization: `Bearer ${hsToken}` },
        body: '{}',
      });
      await answer.body?.cancel();
      return answer.ok ? [200, { duration_ms: 1 }] : [502, { errcode: 'M_BAD_STATUS', status: answer.status }];
    } catch {
      return refuse(502, 'M_CONNECTION_FAILED');
    }
  }

  #failures(body: Json): Json {
    const servers = Object.keys(body['device_keys'] as Json).map(serverOf);
    const failed = servers.filter((server) => (this.peers.get(server) ?? 'unreachable') === 'unreachable');
    return Object.fromEntries(failed.map((server) => [server, { status: 503, message: 'Not ready for retry' }]));
  }

  #profile(user: string): Reply {
    const peer = this.peers.get(serverOf(user));
    return peer === 'bridge' ? [200, { displayname: 'Volly bridge' }] : refuse(404, 'M_NOT_FOUND');
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const serverOf = (user: string): string => user.slice(user.indexOf(':') + 1);
const refuse = (status: number, errcode: string): Reply => [status, { errcode, error: 'refused' }];
