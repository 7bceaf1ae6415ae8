/** What Node has and browsers have not: files and a WebSocket with options. The only file of the SDK that may import `node:*`. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import WebSocket from 'ws';
import { LIMITS } from '../limits.ts';
import type { WebSocketLike } from './connection-types.ts';
import type { Store } from './store.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** One file for each name in a directory of mode 0700; files have 0600. */
export class FileStore implements Store {
  readonly #directory: string;
  #ready: Promise<unknown> | undefined;

  /** `directory` is made where it is missing. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  #path(name: string): string {
    if (!/^[a-z]+$/.test(name)) throw new TypeError('a name in a store is a-z');
    return join(this.#directory, name);
  }

  /** Undefined where there is no such file. Throws what the file system does. */
  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#path(name));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Whole or not at all: a new file, synced, renamed over the old one, and the directory synced too. */
  async set(name: string, value: Uint8Array): Promise<void> {
    const path = this.#path(name);
    this.#ready ??= mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#ready;
    const temporary = `${path}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(value);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  }

  /** Nothing happens where there is none. */
  async delete(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
    await syncDirectory(this.#directory).catch((error) => {
      if (!isMissing(error)) throw error;
    });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** For `connect({ socket })`. `ca`: PEM of a private certificate authority, as a test community has. */
export const nodeSocket =
  (options: { readonly ca?: string | Buffer } = {}) =>
  (url: string): WebSocketLike =>
    // The packages' event types differ in name only: WebSocketLike is the part both have.
    new WebSocket(url, { ...options, perMessageDeflate: false, maxPayload: LIMITS.frameBytes }) as unknown as WebSocketLike;
