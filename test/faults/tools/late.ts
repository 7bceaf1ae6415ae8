/** One way of a relayed connection: what comes out of one socket goes into the other later, in order, its end too. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../../src/clock.ts';

/** Past it the sender waits, as with a full window. */
const WINDOW_BYTES = 1_048_576;

interface Chunk {
  /** Undefined: the end. */
  readonly bytes: Buffer | undefined;
  /** Monotonic, ms. */
  readonly dueAt: number;
}

export interface LateOptions {
  readonly clock: Clock;
  /** Of the next chunk, ms. */
  readonly lateness: () => number;
  /** Hears of each chunk's length as it comes. */
  readonly moved: (length: number) => void;
}

export class Late {
  readonly #from: Readable;
  readonly #to: Writable;
  readonly #options: LateOptions;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #lastDue = 0;
  #cancel: (() => void) | undefined;
  #held = false;
  #whenMoving: (() => void) | undefined;

  constructor(from: Readable, to: Writable, options: LateOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    from.on('data', (bytes: Buffer) => {
      options.moved(bytes.length);
      this.#add(bytes);
    });
    from.on('end', () => this.#add(undefined));
    to.on('drain', () => this.#flush());
  }

  /** Nothing moves until `goOn`. */
  hold(): void {
    this.#held = true;
    this.#cancel?.();
    this.#from.pause();
  }

  goOn(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#whenMoving?.();
    this.#whenMoving = undefined;
    this.#flush();
  }

  /** Called at once, or with `goOn`. */
  whenMoving(begin: () => void): void {
    if (this.#held) this.#whenMoving = begin;
    else begin();
  }

  stop(): void {
    this.#cancel?.();
    this.#chunks.length = 0;
    this.#whenMoving = undefined;
  }

  #add(bytes: Buffer | undefined): void {
    this.#lastDue = Math.max(this.#lastDue, this.#options.clock.monotonic() + this.#options.lateness());
    this.#chunks.push({ bytes, dueAt: this.#lastDue });
    this.#bytes += bytes?.length ?? 0;
    this.#flush();
  }

  #flush(): void {
    this.#cancel?.();
    if (this.#held || this.#to.destroyed) return;
    const { clock } = this.#options;
    for (let chunk = this.#chunks[0]; chunk && chunk.dueAt <= clock.monotonic(); chunk = this.#chunks[0]) {
      if (this.#to.writableNeedDrain) break;
      this.#chunks.shift();
      if (chunk.bytes === undefined) {
        this.#to.end();
        return;
      }
      this.#bytes -= chunk.bytes.length;
      this.#to.write(chunk.bytes);
    }
    if (this.#bytes > WINDOW_BYTES) this.#from.pause();
    else this.#from.resume();
    const next = this.#chunks[0];
    if (next && !this.#to.writableNeedDrain)
      this.#cancel = clock.after(Math.max(0, next.dueAt - clock.monotonic()), () => this.#flush());
  }
}
