/**
 * A homeserver in this process: what the bridge asks of Synapse, with Synapse's habits (at most 100 to-device events an
 * answer, only the next request's `since` deletes them, a `since` of the future is clamped and deletes), or with Dendrite's way to read, and
 * with faults on demand.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const AS_TOKEN = 'as'.repeat(32);
const PAGE = 100;

export interface Message {
  readonly sender: string;
  readonly type: string;
  readonly content: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

/** Looks at a request before the homeserver does: an answer of its own, `cut` = no whole answer, `lose` = done but not told. */
export type Fault = (request: {
  method: string;
  path: string;
  query: URLSearchParams;
}) => Answer | 'cut' | 'lose' | 'hang' | undefined;

type Json = Record<string, unknown>;
interface Waiting extends Message {
  readonly position: number;
}

export class FakeHomeserver {
  readonly serverName: string;
  /** Every request, oldest first: `GET /_matrix/client/v3/sync`. */
  readonly requests: { method: string; path: string; query: URLSearchParams; body: string }[] = [];
  readonly profiles = new Map<string, string>();
  readonly devices = new Set<string>();
  readonly users = new Set<string>();
  /** Servers of the same test, by name; one that is missing does not answer. */
  readonly peers = new Map<string, FakeHomeserver>();
  fault: Fault = () => undefined;
  /**
   * How a user of the application service reads: `as_token` as on Synapse; `login` as on Dendrite, where the as_token neither makes a device
   * nor reads anything; `deaf to as_token`: it makes the device, and reads nothing.
   */
  habit: 'as_token' | 'login' | 'deaf to as_token' = 'as_token';
  version = 'Fake/1.0';
  /** Token of a login → its user. */
  readonly logins = new Map<string, string>();
  /** What the homeserver does with `ping`: undefined = 200. */
  pingAnswer: Answer | undefined;
  #server: Server | undefined;
  #port = 0;
  #position = 1;
  #inbox: Waiting[] = [];
  readonly #polls = new Set<() => void>();
  readonly #transactions = new Set<string>();

  constructor(serverName: string) {
    this.serverName = serverName;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The bridge user's messages that the homeserver still keeps. */
  get kept(): number {
    return this.#inbox.length;
  }

  count(method: string, part: string): number {
    return this.requests.filter((request) => request.method === method && request.path.includes(part)).length;
  }

  /** Also starts again on the same port. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    for (const wake of this.#polls) wake();
    await closed;
  }

  /** As federation would bring it. */
  deliver(message: Message): void {
    this.#inbox.push({ ...message, position: ++this.#position });
    for (const wake of this.#polls) wake();
  }

  /** A backup of now; calling the result restores it, counters and all. */
  backup(): () => void {
    const [position, inbox] = [this.#position, [...this.#inbox]];
    return () => {
      this.#position = position;
      this.#inbox = inbox;
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen = { method: request.method ?? '', path: decodeURIComponent(url.pathname), query: url.searchParams };
    this.requests.push({ ...seen, body: Buffer.concat(chunks).toString() });
    const fault = this.fault(seen);
    if (fault === 'hang') return;
    const answer =
      typeof fault === 'object' ? fault : fault === 'cut' ? { status: 200, body: {} } : await this.#answer(seen, chunks, request);
    const text = JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...answer.headers,
    });
    if (fault === 'cut' || fault === 'lose') {
      response.write(text.slice(0, -1));
      setTimeout(() => response.destroy(), 5);
    } else response.end(text);
  }

  async #answer(
    seen: { method: string; path: string; query: URLSearchParams },
    chunks: Buffer[],
    request: IncomingMessage,
  ): Promise<Answer> {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const login = this.logins.get(token);
    if (token !== AS_TOKEN && login === undefined) return refusal(401, 'M_UNKNOWN_TOKEN');
    const body = (chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {}) as Json;
    const user = login ?? seen.query.get('user_id') ?? '';
    const device = seen.query.get('device_id');
    if (device !== null && !this.devices.has(`${user}/${device}`)) return refusal(400, 'M_UNKNOWN_DEVICE');
    if (seen.path === '/_matrix/client/versions')
      return { status: 200, body: { versions: ['v1.11'] }, headers: { server: this.version } };
    const part = seen.path.replace(/^\/_matrix\/client\/v[13]\//, '').split('/');
    switch (`${seen.method} ${part[0]}`) {
      case 'GET account':
        return this.#whoami(user);
      case 'POST register':
        return this.#register(`@${body['username']}:${this.serverName}`);
      case 'POST login':
        return this.#login(`@${(body['identifier'] as Json)['user']}:${this.serverName}`, String(body['device_id']));
      case 'PUT devices':
        if (this.habit === 'login') return refusal(404, 'M_FORBIDDEN');
        this.devices.add(`${user}/${part[1]}`);
        return ok();
      case 'PUT profile':
        this.profiles.set(String(part[1]), String(body['displayname']));
        return ok();
      case 'GET profile':
        return this.#profile(String(part[1]));
      case 'GET sync':
        return this.#users(user) ?? this.#sync(seen.query, this.habit === 'as_token' || login !== undefined);
      case 'PUT sendToDevice':
        return this.#users(user) ?? this.#send(user, String(part[1]), String(part[2]), body);
      case 'POST keys':
        return { status: 200, body: { device_keys: {}, failures: {} } };
      case 'POST appservice':
        return this.pingAnswer ?? { status: 200, body: { duration_ms: 1 } };
      default:
        return refusal(404, 'M_UNRECOGNIZED');
    }
  }

  #users(user: string): Answer | undefined {
    return this.users.has(user) ? undefined : refusal(403, 'M_FORBIDDEN');
  }

  /** Without a user it is the application service itself that asks. */
  #whoami(user: string): Answer {
    const service = `@_volly.as:${this.serverName}`;
    return user === ''
      ? { status: 200, body: { user_id: service } }
      : (this.#users(user) ?? { status: 200, body: { user_id: user } });
  }

  #register(user: string): Answer {
    if (this.users.has(user)) return refusal(400, 'M_USER_IN_USE');
    this.users.add(user);
    return ok();
  }

  /** As on Dendrite: the tokens that the device had before end. */
  #login(user: string, device: string): Answer {
    this.logins.clear();
    const token = randomUUID();
    this.logins.set(token, user);
    this.devices.add(`${user}/${device}`);
    return { status: 200, body: { user_id: user, device_id: device, access_token: token } };
  }

  #profile(user: string): Answer {
    const server = user.slice(user.indexOf(':') + 1);
    const home = server === this.serverName ? this : this.peers.get(server);
    if (home === undefined) return refusal(502, 'M_UNKNOWN');
    const displayname = home.profiles.get(user);
    return displayname === undefined ? refusal(404, 'M_NOT_FOUND') : { status: 200, body: { displayname } };
  }

  async #sync(query: URLSearchParams, reads: boolean): Promise<Answer> {
    if (!reads) return { status: 200, body: { next_batch: 's0' } };
    const given = query.get('since');
    const since = given === null ? 0 : Math.min(Number(given.slice(1)), this.#position);
    if (given !== null) this.#inbox = this.#inbox.filter(({ position }) => position > since);
    if (given !== null && !this.#inbox.some(({ position }) => position > since)) await this.#wait(Number(query.get('timeout')));
    const page = this.#inbox.filter(({ position }) => position > since).slice(0, PAGE);
    const next = page.length === PAGE ? page.at(-1)!.position : this.#position;
    const events = page.map(({ sender, type, content }) => ({ sender, type, content }));
    return { status: 200, body: { next_batch: `s${next}`, ...(events.length > 0 ? { to_device: { events } } : {}) } };
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#polls.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#polls.add(end);
    });
  }

  /** Synapse's cache of transaction ids: a repeated one is answered 200 and goes nowhere, whoever sent it. */
  #send(sender: string, type: string, transaction: string, body: Json): Answer {
    if (this.#transactions.has(transaction)) return ok();
    this.#transactions.add(transaction);
    for (const [user, devices] of Object.entries(body['messages'] as Record<string, Record<string, unknown>>)) {
      const server = user.slice(user.indexOf(':') + 1);
      const home = server === this.serverName ? this : this.peers.get(server);
      for (const [device, content] of Object.entries(devices))
        if (home?.devices.has(`${user}/${device}`)) home.deliver({ sender, type, content });
    }
    return ok();
  }
}

const ok = (): Answer => ({ status: 200, body: {} });
const refusal = (status: number, errcode: string): Answer => ({ status, body: { errcode, error: 'refused' } });
