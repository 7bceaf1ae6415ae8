/** The logs of a scenario as they grow, for what it waits for. The checker gets the same lines at the end. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Line, now } from './log.ts';

const POLL_MS = 50;
/** As the checker's: the sender is told by then. */
const TOLD_MS = 10_000;

interface File {
  readonly path: string;
  at: number;
  rest: string;
}

export class Watch {
  readonly #files: File[] = [];
  readonly #lines: Line[] = [];
  /** Accepted, for a device, and neither settled or left with the bridge there, nor told of: id → its end. */
  readonly #open = new Map<string, number>();
  readonly #sends = new Map<string, { readonly at: number; readonly expires: number }>();
  readonly #closed = new Set<string>();
  /** When the newest envelope was sent that came to an app of this side: what came late of before a fault shows no way. */
  readonly #flowed = { a: 0, b: 0 };

  add(path: string): void {
    this.#files.push({ path, at: 0, rest: '' });
  }

  /** By time. */
  async lines(): Promise<readonly Line[]> {
    await this.#read();
    return this.#lines.toSorted((one, other) => one.t - other.t);
  }

  /** Resolves with when envelopes sent after `since` (Unix ms) had come through both ways, or undefined after `ms`. */
  async flowing(since: number, ms: number): Promise<number | undefined> {
    const flows = () => Math.min(this.#flowed.a, this.#flowed.b) >= since;
    return (await this.#until(flows, ms)) ? now() : undefined;
  }

  /** Until no envelope is open whose end can still come: each has arrived, was told of, or is past its end + 10 s. False after `ms`. */
  settled(ms: number): Promise<boolean> {
    return this.#until(() => ![...this.#open.values()].some((expires) => now() < expires + TOLD_MS), ms);
  }

  async until(holds: (lines: readonly Line[]) => boolean, ms: number): Promise<boolean> {
    return this.#until(() => holds(this.#lines), ms);
  }

  async #until(holds: () => boolean, ms: number): Promise<boolean> {
    for (const end = now() + ms; ; await sleep(POLL_MS)) {
      await this.#read();
      if (holds()) return true;
      if (now() > end) return false;
    }
  }

  async #read(): Promise<void> {
    for (const file of this.#files) await this.#readFile(file);
  }

  async #readFile(file: File): Promise<void> {
    const handle = await open(file.path).catch(() => undefined);
    if (!handle) return;
    try {
      const { size } = await handle.stat();
      if (size <= file.at) return;
      const bytes = Buffer.alloc(size - file.at);
      await handle.read(bytes, 0, bytes.length, file.at);
      file.at = size;
      // Addresses and codes are ASCII: no character is cut in two.
      const parts = (file.rest + bytes.toString('latin1')).split('\n');
      file.rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as Line);
    } finally {
      await handle.close();
    }
  }

  #take(line: Line): void {
    this.#lines.push(line);
    if (line.k === 'send' && line.to.includes('/')) this.#sends.set(line.id, { at: line.t, expires: line.expires });
    else if (line.k === 'taken' && this.#sends.has(line.id) && !this.#closed.has(line.id))
      this.#open.set(line.id, this.#sends.get(line.id)!.expires);
    else if (line.k === 'settled' || line.k === 'kept' || line.k === 'told') {
      this.#open.delete(line.id);
      this.#closed.add(line.id);
    } else if (line.k === 'got') {
      const side = line.app.startsWith('a') ? 'a' : 'b';
      this.#flowed[side] = Math.max(this.#flowed[side], this.#sends.get(line.id)?.at ?? 0);
    }
  }
}
