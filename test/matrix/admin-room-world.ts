/** Rooms on the fake homeserver, as far as the admin room looks at them, and the bot in them. */
import { randomUUID } from 'node:crypto';
import { bridgeUserOf } from '../../src/ids.ts';
import { AdminRoom } from '../../src/matrix/admin-room/admin-room.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock } from '../support/clock.ts';
import { type Answer, FakeHomeserver } from '../support/fake-homeserver.ts';
import { clientOf, ORCHID } from './fake-world.ts';
import { Lines } from './receiver-contract.ts';

export const BOT = bridgeUserOf(ORCHID);
export const ADMIN = '@operator:orchid.example';
export const SECOND = '@second:iris.example';
export const STRANGER = '@mallory:iris.example';
export const ROOM = '!admins:orchid.example';

type Content = Readonly<Record<string, unknown>>;

export interface Said {
  readonly room: string;
  readonly transaction: string;
  readonly content: Content;
}

export const event = (fields: Content): Content => ({
  room_id: ROOM,
  event_id: `$${randomUUID()}`,
  sender: ADMIN,
  origin_server_ts: Date.UTC(2026, 0, 1),
  content: {},
  ...fields,
});

export const line = (body: unknown, fields: Content = {}): Content =>
  event({ type: 'm.room.message', content: { msgtype: 'm.text', body }, ...fields });

export const membership = (user: string, value: string, fields: Content = {}): Content =>
  event({ type: 'm.room.member', state_key: user, content: { membership: value }, ...fields });

export class AdminRoomWorld {
  readonly home = new FakeHomeserver(ORCHID);
  readonly clock = new ManualClock();
  readonly facts = memoryStores().facts;
  readonly report = new Lines();
  /** The one room's state: type → state key → content. */
  readonly state = new Map<string, Map<string, Content>>();
  readonly said: Said[] = [];
  readonly performed: string[] = [];
  admins: readonly string[] = [ADMIN, SECOND];
  perform: (line: string) => Promise<string> = async (text) => `done: ${text}`;
  /** Looks at a request to a room first. */
  roomFault: (what: string) => Answer | 'hang' | 'lose' | undefined = () => undefined;
  room!: AdminRoom;

  async open(): Promise<void> {
    await this.home.start();
    this.home.fault = ({ method, path }) => {
      const [, room = '', what = '', ...rest] = /\/rooms\/([^/]+)\/([^/]+)\/?(.*)/.exec(path) ?? [];
      if (room === '') return undefined;
      const fault = this.roomFault(what);
      if (fault !== undefined && fault !== 'lose') return fault;
      const answer = this.#answer(method, room, what, rest[0] ?? '');
      return fault ?? answer;
    };
    for (const user of [BOT, ADMIN]) this.set('m.room.member', user, { membership: 'join' });
    this.set('m.room.join_rules', '', { join_rule: 'invite' });
    this.start();
  }

  /** A bridge that begins, with what the one before it kept. */
  start(): void {
    this.room = new AdminRoom({
      client: clientOf(this.home),
      bot: BOT,
      admins: () => this.admins,
      commands: {
        knows: (text) => /^(status|member)\b/.test(text),
        perform: (text) => {
          this.performed.push(text);
          return this.perform(text);
        },
      },
      facts: this.facts,
      clock: this.clock,
      counters: this.report,
      log: this.report,
    });
  }

  async close(): Promise<void> {
    await this.room.stop();
    await this.home.stop();
  }

  set(type: string, key: string, content: Content): void {
    const of = this.state.get(type) ?? new Map<string, Content>();
    this.state.set(type, of.set(key, content));
  }

  get answers(): unknown[] {
    return this.said.map(({ content }) => content['body']);
  }

  /** `join` or `leave`, how often. */
  count(what: string): number {
    return this.home.requests.filter(({ path }) => path.endsWith(`/${what}`)).length;
  }

  ignored(reason: string): number {
    return this.report.counts.get(`admin_room_ignored ${reason}`) ?? 0;
  }

  #answer(method: string, room: string, what: string, rest: string): Answer {
    if (room !== ROOM) return { status: 403, body: { errcode: 'M_FORBIDDEN' } };
    const transaction = rest.split('/')[1] ?? '';
    if (method === 'GET' && what === 'state') return { status: 200, body: this.#events() };
    if (what === 'send' && !this.said.some((one) => one.transaction === transaction)) {
      const { body } = this.home.requests.at(-1)!;
      this.said.push({ room, transaction, content: JSON.parse(body) });
    }
    return { status: 200, body: {} };
  }

  #events(): Content[] {
    return [...this.state].flatMap(([type, of]) => [...of].map(([key, content]) => ({ type, state_key: key, content })));
  }
}
