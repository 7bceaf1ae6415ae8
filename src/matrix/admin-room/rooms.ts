/**
 * What the bot does in rooms, as the bridge user. Each is tried a little: a room is no place where anything must arrive, and whoever asked
 * can ask again.
 */
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import { pause } from '../backoff.ts';
import type { HomeserverClient, Request } from '../client.ts';
import { HomeserverError, isAway } from '../failure.ts';
import { noticeOf } from './notice.ts';
import { type RoomView, viewOf } from './view.ts';

/** Between tries: long enough for a homeserver that restarts its workers, short for a person who waits. */
const PAUSES_MS = [1_000, 5_000];
/** Joining may need another server; everything else is the own homeserver's alone. */
const JOIN_MS = 30_000;
const TIMEOUT_MS = 10_000;

export interface RoomsOptions {
  readonly client: HomeserverClient;
  readonly bot: string;
  readonly clock: Clock;
  /** Aborting it ends every try with `shutting_down`. */
  readonly signal: AbortSignal;
}

/** Each method throws HomeserverError, and `shutting_down`; `view` also `too_large`. */
export class Rooms {
  readonly #options: RoomsOptions;

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  async join(room: string): Promise<void> {
    await this.#try({ method: 'POST', step: 'join', path: pathOf(room, 'join'), body: '{}', timeoutMs: JOIN_MS });
  }

  /** Also turns an invite down. Once: nothing rests on it. */
  async leave(room: string): Promise<void> {
    const { client, signal } = this.#options;
    await client.request({ method: 'POST', step: 'leave', path: pathOf(room, 'leave'), body: '{}', timeoutMs: JOIN_MS, signal });
  }

  async view(room: string): Promise<RoomView> {
    const text = await this.#try({ method: 'GET', step: 'state', path: pathOf(room, 'state'), timeoutMs: TIMEOUT_MS });
    return viewOf(parse(text), this.#options.bot);
  }

  /** What was said under the same `name` is not said twice: the homeserver knows it as the same transaction. */
  async say(room: string, name: string, text: string): Promise<void> {
    const path = `${pathOf(room, 'send')}/m.room.message/${encodeURIComponent(name)}`;
    await this.#try({ method: 'PUT', step: 'send', path, body: noticeOf(text), timeoutMs: TIMEOUT_MS });
  }

  async #try(request: Request): Promise<string> {
    const { client, clock, signal } = this.#options;
    for (const pauseMs of PAUSES_MS) {
      try {
        return await client.request({ ...request, signal });
      } catch (error) {
        if (!mayPass(error)) throw error;
        await pause(clock, pauseMs, signal);
        if (signal.aborted) throw new VollyError('shutting_down', request.step);
      }
    }
    return client.request({ ...request, signal });
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof HomeserverError && (isAway(error.code) || error.code === 'rate_limited');

const pathOf = (room: string, what: string): string => `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/${what}`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
