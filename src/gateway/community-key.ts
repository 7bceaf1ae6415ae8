/**
 * The community key's file: one line, the 64-byte seed in base64url. Every app of the community has pinned this key, so it is
 * made once, never overwritten, and belongs into the backup.
 */
import { constants } from 'node:fs';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBase64url, toBase64url } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { COMPOSITE, compositePublicKey, compositeSigner } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import type { Community } from '../protocol/handshake-server.ts';

const PREFIX = 'volly-community-key-1 ';
const OTHERS = 0o077;

const bad = (file: string, what: string, cause?: unknown): never => {
  throw new VollyError('bad_config', `community key ${file}: ${what}`, { cause });
};

export interface CommunityKey extends Community {
  /** Composite seed, 64 bytes; secret. The legacy adapter derives its members' keys from it. */
  readonly seed: Uint8Array;
  /** There was none before. */
  readonly created: boolean;
}

/**
 * Reads the key, or makes one where there is no file. Throws `bad_config` for a file that others may read or write, that is not
 * of this form, or that cannot be read or written.
 */
export async function loadCommunityKey(options: {
  readonly file: string;
  readonly server: ServerName;
  readonly provider: Provider;
  readonly random: RandomBytes;
}): Promise<CommunityKey> {
  const { file, server, provider, random } = options;
  let seed = await read(file);
  const created = seed === undefined && (await create(file, random(COMPOSITE.seed)));
  seed ??= (await read(file)) ?? bad(file, 'vanished');
  const publicKey = compositePublicKey(provider, seed);
  return { server, publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed), seed, created };
}

async function read(file: string): Promise<Uint8Array | undefined> {
  // Not followed: a link to elsewhere would have other permissions than those looked at.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    return bad(file, `cannot be read (${error.code})`, error);
  });
  if (!handle) return undefined;
  try {
    const { mode } = await handle.stat();
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) bad(file, 'others may read it; chmod 600, and think of who has');
    const text = (await handle.readFile('latin1')).trimEnd();
    const seed = text.startsWith(PREFIX) ? fromBase64url(text.slice(PREFIX.length)) : undefined;
    return seed?.length === COMPOSITE.seed ? seed : bad(file, 'is not a community key');
  } finally {
    await handle.close();
  }
}

/** All or nothing, and never over another: written beside, synced, then linked to its name. False when there was one meanwhile. */
async function create(file: string, seed: Uint8Array): Promise<boolean> {
  const beside = `${file}.${process.pid}.new`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await rm(beside, { force: true });
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(`${PREFIX}${toBase64url(seed)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(beside, file);
    const folder = await open(dirname(file));
    await folder.sync().finally(() => folder.close());
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EEXIST' ? false : bad(file, `cannot be written (${code})`, error);
  } finally {
    await rm(beside, { force: true });
  }
}
