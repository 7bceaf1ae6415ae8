/**
 * Rooms in which admins command the bridge: an admin invites the bridge user, writes a line, and the bot answers. The bot goes only where an
 * admin invites it and listens to admins alone. Who an admin is, homeservers say: whoever runs one can write as any of its users, so what a
 * room may do is limited (docs/THREAT-MODEL.md).
 *
 * `handle` may be given an event twice, and each is answered once: commands are remembered before they are done, and an answer has the name of
 * its event, under which the homeserver takes one. Its waits have an end, since all that the homeserver pushes later waits behind it.
 */
import type { Clock } from '../../clock.ts';
import { codeOf } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Counters, Log } from '../../routing/ports.ts';
import type { FactStore } from '../../storage/types.ts';
import type { HomeserverClient } from '../client.ts';
import { type RoomEvent, readEvent } from './events.ts';
import { HandledCommands } from './handled.ts';
import { Rooms } from './rooms.ts';
import type { RoomView } from './view.ts';

export interface AdminCommands {
  /** Whether the line begins as a command does. In a room where people talk with each other the rest is not for the bot. */
  knows(line: string): boolean;
  /** Resolves with the answer, also where it says no. */
  perform(line: string): Promise<string>;
}

export interface AdminRoomOptions {
  /** Speaks as the bridge user. */
  readonly client: HomeserverClient;
  readonly bot: string;
  /** Matrix user ids; asked each time. */
  readonly admins: () => readonly string[];
  readonly commands: AdminCommands;
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
}

const HELLO = 'I am the Volly bridge of this community. Write help.';
const OTHERS_READ = 'Not only admins can read what is written here, so I do nothing. Invite me to a room of admins alone.';
const UNREADABLE = 'This room is encrypted and I cannot read here. Invite me to one that is not.';
const INTERRUPTED = 'I was stopped in the middle of this and do not know whether it was done. Look before you repeat it.';
const BUG = 'This failed by a bug of the bridge, of which its log has a line.';
/** Rooms known to be told that they are encrypted; a room forgotten is told again. */
const TOLD = 100;

export class AdminRoom {
  readonly #options: AdminRoomOptions;
  readonly #handled: HandledCommands;
  readonly #stop = new AbortController();
  readonly #rooms: Rooms;
  readonly #told = new Set<string>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: AdminRoomOptions) {
    const { client, bot, clock, facts } = options;
    this.#options = options;
    this.#handled = new HandledCommands(facts, clock);
    this.#rooms = new Rooms({ client, bot, clock, signal: this.#stop.signal });
  }

  /** Room events as the homeserver pushed them, unchecked. Throws `database` and `shutting_down`: then they are to be handled again. */
  async handle(events: readonly unknown[]): Promise<void> {
    for (const event of events) {
      const found = readEvent(event, this.#options.bot);
      if (found === 'malformed') this.#ignore('malformed');
      else if (found) await this.#take(found);
    }
  }

  /** What is under way ends with `shutting_down`. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#leaving);
  }

  async #take(event: RoomEvent): Promise<void> {
    try {
      await this.#act(event);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'shutting_down' || code === 'database') throw error;
      this.#failed(error);
    }
  }

  async #act(event: RoomEvent): Promise<void> {
    switch (event.kind) {
      case 'invite':
        return this.#isAdmin(event.sender) ? this.#enter(event) : this.#turnDown(event);
      case 'line':
        return this.#heeds(event) ? this.#hear(event) : undefined;
      case 'encrypted':
        return this.#heeds(event) ? this.#cannotRead(event.room) : undefined;
      case 'replaced':
        return this.#leave(event.room);
      case 'gone':
        return this.#isAdmin(event.user) ? this.#follow(event.room) : undefined;
    }
  }

  async #enter({ room, id }: RoomEvent): Promise<void> {
    await this.#rooms.join(room);
    const view = await this.#rooms.view(room);
    if (view.encrypted) return this.#cannotRead(room);
    await this.#rooms.say(room, `hello ${id}`, this.#isOfAdmins(view) ? HELLO : `${HELLO} ${OTHERS_READ}`);
  }

  #turnDown({ room }: RoomEvent): void {
    this.#ignore('invite');
    this.#leave(room);
  }

  /** The last admin has left: so does the bot. */
  async #follow(room: string): Promise<void> {
    const { joined } = await this.#rooms.view(room);
    if (!joined.some((user) => this.#isAdmin(user))) this.#leave(room);
  }

  async #hear({ room, id, sender, line }: Extract<RoomEvent, { kind: 'line' }>): Promise<void> {
    const view = await this.#rooms.view(room);
    if (view.replaced) return;
    if (view.encrypted) return this.#cannotRead(room);
    if (view.joined.length > 1 && !this.#options.commands.knows(line)) return;
    const state = await this.#handled.begin(id, sender);
    if (state === 'done' || state === 'too_many') return this.#ignore(state);
    const answer = state === 'begun' ? INTERRUPTED : this.#isOfAdmins(view) ? await this.#perform(line) : OTHERS_READ;
    try {
      await this.#rooms.say(room, `answer ${id}`, answer);
    } catch (error) {
      if (codeOf(error) === 'shutting_down') throw error;
      this.#failed(error);
    }
    await this.#handled.end(id);
  }

  async #perform(line: string): Promise<string> {
    const { commands, counters } = this.#options;
    counters.count('admin_room_commands');
    try {
      return await commands.perform(line);
    } catch (error) {
      if (codeOf(error) === 'shutting_down') throw error;
      this.#failed(error);
      return BUG;
    }
  }

  async #cannotRead(room: string): Promise<void> {
    if (this.#told.has(room)) return;
    if (this.#told.size >= TOLD) this.#told.clear();
    this.#told.add(room);
    await this.#rooms.say(room, `unreadable ${room}`, UNREADABLE);
  }

  /** Beside all else, since another server may be slow to answer. An invite that is not turned down harms nobody. */
  #leave(room: string): void {
    if (this.#leaving.size >= LIMITS.adminLeavesAtOnce) {
      this.#ignore('leaving');
      return;
    }
    const leaving = this.#rooms
      .leave(room)
      .catch((error) => this.#options.counters.count('admin_room_failed', { code: codeOf(error) ?? 'bug' }))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  #isAdmin(user: string): boolean {
    return this.#options.admins().includes(user);
  }

  /** Of what an admin wrote, what is neither from history nor from another clock. */
  #heeds({ sender, at }: RoomEvent): boolean {
    if (!this.#isAdmin(sender)) this.#ignore('sender');
    else if (Math.abs(this.#options.clock.now() - at) > LIMITS.adminEventMs) this.#ignore('old');
    else return true;
    return false;
  }

  /** Whether nobody else reads the answer, which may be an invite or name members: beside the homeservers, which read all. */
  #isOfAdmins({ joined, invited, open }: RoomView): boolean {
    return !open && [...joined, ...invited].every((user) => this.#isAdmin(user));
  }

  #ignore(reason: string): void {
    this.#options.counters.count('admin_room_ignored', { reason });
  }

  #failed(error: unknown): void {
    const { counters, log } = this.#options;
    counters.count('admin_room_failed', { code: codeOf(error) ?? 'bug' });
    log.warn('the admin room failed', { reason: error instanceof Error ? error.message : typeof error });
  }
}
