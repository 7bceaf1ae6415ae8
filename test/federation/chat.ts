/** A room on a real homeserver, as one of its users sees it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlainUser } from '../support/homeserver/client.ts';

type Content = Readonly<Record<string, unknown>>;

const POLL_MS = 50;
const WAIT_MS = 20_000;

export class Chat {
  readonly id: string;
  readonly #user: PlainUser;
  readonly #bot: string;

  private constructor(id: string, user: PlainUser, bot: string) {
    this.id = id;
    this.#user = user;
    this.#bot = bot;
  }

  /** A direct chat with the bot, as clients make it. */
  static async with(bot: string, user: PlainUser, initialState: readonly Content[] = []): Promise<Chat> {
    const body = { preset: 'trusted_private_chat', is_direct: true, invite: [bot], initial_state: initialState };
    const { room_id: id } = await user.client.request('POST', '/_matrix/client/v3/createRoom', body);
    return new Chat(id as string, user, bot);
  }

  /** The same room, as this user sees it who is invited and comes. */
  async join(user: PlainUser): Promise<Chat> {
    await this.#user.client.request('POST', this.#path('invite'), { user_id: user.userId });
    await user.client.request('POST', this.#path('join'), {});
    return new Chat(this.id, user, this.#bot);
  }

  async leave(): Promise<void> {
    await this.#user.client.request('POST', this.#path('leave'), {});
  }

  async say(body: string): Promise<void> {
    const path = this.#path(`send/m.room.message/${randomUUID()}`);
    await this.#user.client.request('PUT', path, { msgtype: 'm.text', body });
  }

  /** What the bot has written, oldest first. */
  async answers(): Promise<readonly string[]> {
    const { chunk } = await this.#user.client.request('GET', this.#path('messages?dir=b&limit=100'));
    const events = chunk as readonly { sender: string; type: string; content: { msgtype: string; body: string } }[];
    return events
      .filter(({ sender, type }) => sender === this.#bot && type === 'm.room.message')
      .map(({ content }) => content.body)
      .reverse();
  }

  /** Resolves with the bot's latest words once there are `count` of them. */
  async answer(count: number): Promise<string> {
    const answers = await poll(`answer ${count}`, async () => {
      const found = await this.answers();
      return found.length >= count ? found : undefined;
    });
    return answers.at(-1) as string;
  }

  async membershipOfBot(wanted: string): Promise<void> {
    await poll(`the bot's membership is ${wanted}`, async () => {
      const path = this.#path(`state/m.room.member/${encodeURIComponent(this.#bot)}`);
      return (await this.#user.client.request('GET', path))['membership'] === wanted || undefined;
    });
  }

  #path(what: string): string {
    return `/_matrix/client/v3/rooms/${encodeURIComponent(this.id)}/${what}`;
  }
}

/** Asks until there is something. */
export async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not within ${WAIT_MS / 1_000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
