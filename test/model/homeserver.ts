/**
 * A homeserver in memory with Synapse's habits, as test/support/fake-homeserver.ts has them over HTTP: at most 100 to-device events an
 * answer, only the next request's `since` deletes them, a `since` of the future is clamped and deletes, a backup brings an older state
 * back. What it has taken for another server it keeps through its own crashes and sends when the way is free.
 */

import type { ServerName } from '../../src/ids.ts';
import type { Request } from '../../src/matrix/client.ts';
import { failureOf, HomeserverError } from '../../src/matrix/failure.ts';
import type { SimulatedTime } from './time.ts';

const PAGE = 100;

/** One to-device event on its way; copies of it are the same event. */
export interface Message {
  readonly sender: string;
  readonly type: string;
  /** JSON text. */
  readonly content: string;
}

interface Waiting {
  readonly position: number;
  readonly message: Message;
}

export interface HomeserverOptions {
  readonly server: ServerName;
  readonly time: SimulatedTime;
  /** Sends over federation. */
  readonly send: (to: ServerName, message: Message) => void;
  /** Whether the other server answers now. */
  readonly reachable: (server: ServerName) => boolean;
  /** The bridge let it forget a message. */
  readonly forgot: (message: Message) => void;
}

export class Homeserver {
  up = true;
  readonly #options: HomeserverOptions;
  #position = 1;
  #inbox: readonly Waiting[] = [];
  readonly #polls = new Set<() => void>();
  readonly #transactions = new Set<string>();
  /** Answer's number → what it brought. */
  readonly #answers = new Map<number, readonly Message[]>();
  #backups: (readonly [number, readonly Waiting[]])[] = [];
  /** The last answer of /sync that had events. */
  lastAnswer: string | undefined;

  constructor(options: HomeserverOptions) {
    this.#options = options;
  }

  get kept(): number {
    return this.#inbox.length;
  }

  deliver(message: Message): void {
    this.#inbox = [...this.#inbox, { position: ++this.#position, message }];
    this.#wake();
  }

  /** The messages of an answer that a journal holds; none of what came from elsewhere. */
  messagesOf(raw: string): readonly Message[] {
    return this.#answers.get(Number(/^\{"answer":(\d+)/.exec(raw)?.[1])) ?? [];
  }

  stop(): void {
    this.up = false;
    this.#wake();
  }

  backup(): void {
    this.#backups.push([this.#position, this.#inbox]);
  }

  /** Puts the last backup back, where there is one. */
  restore(): void {
    const backup = this.#backups.at(-1);
    if (backup) [this.#position, this.#inbox] = backup;
    // Nobody repeats an answer of what is no more.
    this.lastAnswer = undefined;
  }

  /** Answers as the HTTP API would; rejects as HomeserverClient does. `silently`: 200, and what was to be sent goes nowhere. */
  async serve(request: Request, silently = false): Promise<string> {
    const part = request.path.replace(/^\/_matrix\/client\/v[13]\//, '').split('/');
    switch (`${request.method} ${part[0]}`) {
      case 'GET sync':
        return this.#sync(request.query ?? {});
      case 'PUT sendToDevice':
        if (!silently) this.#send(String(part[1]), String(part[2]), String(request.body));
        return '{}';
      case 'GET profile':
        return this.#profile(decodeURIComponent(String(part[1])));
      default:
        return '{}';
    }
  }

  #profile(user: string): string {
    const server = serverOfUser(user);
    if (server === this.#options.server || this.#options.reachable(server)) return '{"displayname":"Volly bridge"}';
    throw refusal('profile', 502, 'M_UNKNOWN');
  }

  async #sync({ since: given, timeout }: Readonly<Record<string, string>>): Promise<string> {
    const since = given === undefined ? 0 : Math.min(Number(given.slice(1)), this.#position);
    if (given !== undefined) {
      for (const { position, message } of this.#inbox) if (position <= since) this.#options.forgot(message);
      this.#inbox = this.#inbox.filter(({ position }) => position > since);
      if (this.#inbox.length === 0) await this.#wait(Number(timeout));
    }
    const page = this.#inbox.filter(({ position }) => position > since).slice(0, PAGE);
    const next = page.length === PAGE ? page.at(-1)!.position : this.#position;
    const number = this.#answers.size;
    const messages = page.map(({ message }) => message);
    this.#answers.set(number, messages);
    const events = messages.map(({ sender, type, content }) => `{"sender":"${sender}","type":"${type}","content":${content}}`);
    const answer = `{"answer":${number},"next_batch":"s${next}","to_device":{"events":[${events.join(',')}]}}`;
    if (events.length > 0) this.lastAnswer = answer;
    return answer;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#polls.delete(end);
        resolve();
      };
      const cancel = this.#options.time.after(ms, end);
      this.#polls.add(end);
    });
  }

  #wake(): void {
    for (const end of [...this.#polls]) end();
  }

  /** A repeated transaction id is answered 200 and goes nowhere. */
  #send(type: string, transaction: string, body: string): void {
    if (this.#transactions.has(transaction)) return;
    this.#transactions.add(transaction);
    const { messages } = JSON.parse(body) as { messages: Record<string, Record<string, unknown>> };
    for (const [user, devices] of Object.entries(messages))
      for (const content of Object.values(devices)) {
        const message = { sender: `@_volly.bridge:${this.#options.server}`, type, content: JSON.stringify(content) };
        if (serverOfUser(user) === this.#options.server) this.deliver(message);
        else this.#options.send(serverOfUser(user), message);
      }
  }
}

const serverOfUser = (user: string): ServerName => user.slice(user.indexOf(':') + 1) as ServerName;

export const refusal = (step: string, status: number, errcode: string, body: object = {}): HomeserverError =>
  failureOf(step, status, new Headers(), JSON.stringify({ errcode, ...body }));

/** The answer did not come: it may have been done. */
export const noAnswer = (step: string): HomeserverError =>
  new HomeserverError('homeserver_unreachable', `${step}: connection failed`);

/** Nobody there to connect to: nothing left the bridge. */
export const absent = (step: string): HomeserverError => new HomeserverError('homeserver_absent', `${step}: ECONNREFUSED`);
