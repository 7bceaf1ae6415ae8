/**
 * What the apps of a fault test did and met, one JSON line each, only ever appended. A line is on disk (fdatasync) before the act it tells of
 * counts: before an envelope is handed to the bridge, and before one that came is settled. So whatever is killed, nothing was done that
 * no line tells of. Times are Unix ms with fractions, of one clock: all processes run on one machine.
 *
 * Envelopes are told of by id, type and parties; of a call its id too. What was said is not in the log, nor any key.
 */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Side = 'a' | 'b';

/** Of an app, which is one device of one member: `app` is its address. */
export type AppEvent =
  /** The process of this app began, again or for the first time; calls of an earlier one have ended with it. */
  | { readonly k: 'run' }
  /** About to be handed to the bridge. `call` where it belongs to one. */
  | {
      readonly k: 'send';
      readonly id: string;
      readonly type: string;
      readonly to: string;
      readonly expires: number;
      readonly call?: string;
    }
  /** The bridge has it: from here on a definite end is promised. */
  | { readonly k: 'taken'; readonly id: string }
  | { readonly k: 'refused'; readonly id: string; readonly code: string }
  /** The bridge handed it over, on the app's connection number `conn`. */
  | {
      readonly k: 'got';
      readonly id: string;
      readonly type: string;
      readonly from: string;
      readonly conn: number;
      readonly expires: number;
      readonly call?: string;
    }
  /** The SDK has opened it, or refused it: it is acknowledged to the bridge. */
  | { readonly k: 'settled'; readonly id: string }
  /** The SDK left it with the bridge, for the next connection. */
  | { readonly k: 'kept'; readonly id: string; readonly code: string }
  /** A definite word about an envelope of this app. */
  | { readonly k: 'told'; readonly id: string; readonly reason: string }
  | { readonly k: 'online'; readonly conn: number }
  | { readonly k: 'offline' }
  | { readonly k: 'caught-up'; readonly conn: number }
  /** A call was made; `rings` = the offer came and the user is shown it, until `until`. */
  | { readonly k: 'call'; readonly call: string; readonly to: string }
  | { readonly k: 'rings'; readonly call: string; readonly from: string; readonly conn: number; readonly until: number }
  | { readonly k: 'phase'; readonly call: string; readonly phase: string }
  | { readonly k: 'over'; readonly call: string; readonly reason: string; readonly by: string }
  /** The number `n` was given to the call's peer connection as a candidate; and it came out of the other side's. */
  | { readonly k: 'say'; readonly call: string; readonly n: number }
  | { readonly k: 'hear'; readonly call: string; readonly n: number }
  /** The SDK refused something, for diagnosis. */
  | { readonly k: 'declined'; readonly code: string; readonly type: string }
  /** `fault` of the SDK: a bug. */
  | { readonly k: 'bug'; readonly text: string };

/** Of the run itself. */
export type RunEvent =
  /** A fault begins; it is over with `healed` of the same `fault`, a name used once. */
  | { readonly k: 'fault'; readonly fault: string }
  | { readonly k: 'healed'; readonly fault: string }
  /** A homeserver was asked with the `since` that lets it forget these envelopes. */
  | { readonly k: 'let-go'; readonly side: Side; readonly ids: readonly string[] }
  /** A bridge was killed: of what its homeserver had let go and was not past its end, what the bridge's database knows. */
  | { readonly k: 'kept-by'; readonly side: Side; readonly asked: readonly string[]; readonly known: readonly string[] };

export type AppLine = AppEvent & { readonly t: number; readonly app: string };
export type RunLine = RunEvent & { readonly t: number; readonly app?: undefined };
export type Line = AppLine | RunLine;

export type Of<K extends Line['k']> = Extract<Line, { k: K }>;

/** `Omit` of each kind by itself. */
type Untimed<L> = L extends Line ? Omit<L, 't'> : never;

export const now = (): number => performance.timeOrigin + performance.now();

/** Lines of one tick share a write and an fdatasync. */
export class LogWriter {
  readonly #file: Awaited<ReturnType<typeof open>>;
  #waiting: string[] = [];
  #flushing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(file: Awaited<ReturnType<typeof open>>) {
    this.#file = file;
  }

  static async open(path: string): Promise<LogWriter> {
    return new LogWriter(await open(path, 'a'));
  }

  /** Resolves once the line is on disk, and in the order of the calls. */
  write(line: Untimed<Line>): Promise<void> {
    this.#waiting.push(`${JSON.stringify({ t: now(), ...line })}\n`);
    this.#next ??= (async () => {
      await (this.#flushing ?? new Promise<void>((resolve) => setImmediate(resolve)));
      this.#flushing = this.#next;
      this.#next = undefined;
      const lines = this.#waiting;
      this.#waiting = [];
      await this.#file.write(lines.join(''));
      await this.#file.datasync();
    })();
    return this.#next;
  }

  async close(): Promise<void> {
    await this.#next;
    await this.#flushing;
    await this.#file.close();
  }
}

/** Lines of a file; the last one may be half written where its process was killed. */
export function parseLog(text: string): Line[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}

/** All lines of these files, by time; of one file in its order. */
export async function readLogs(folder: string, files: readonly string[]): Promise<Line[]> {
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap(parseLog).sort((one, other) => one.t - other.t);
}
