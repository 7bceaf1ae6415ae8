/**
 * The community key's file: a line with the 64-byte seed in base64url, and one for each step that led from an earlier key to it, oldest
 * first (PROTOCOL.md section 14.7). Every app of the community has pinned this key, so it is made once, gives way to nothing but a
 * successor that it signed, and belongs into the backup.
 */
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBase64url, toBase64url } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { COMPOSITE, compositePublicKey, compositeSigner } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Community } from '../protocol/handshake-server.ts';
import { decodeSuccessor, followSuccessors, signSuccessor } from '../protocol/successor.ts';

const PREFIX = 'volly-community-key-1 ';
const STEP = 'volly-community-successor-1 ';
const OTHERS = 0o077;

const bad = (file: string, what: string, cause?: unknown): never => {
  throw new VollyError('bad_config', `community key ${file}: ${what}`, { cause });
};

/** What the file holds. */
interface Content {
  /** Composite seed, 64 bytes; secret. The legacy adapter derives its members' keys from it. */
  readonly seed: Uint8Array;
  readonly successors: readonly Uint8Array[];
}

export interface CommunityKey extends Community, Content {
  readonly successors: readonly Uint8Array[];
  /** There was none before. */
  readonly created: boolean;
}

interface KeyFile {
  readonly file: string;
  readonly server: ServerName;
  readonly provider: Provider;
}

/**
 * Reads the key, or makes one where there is no file. Throws `bad_config` for a file that others may read or write, that is not
 * of this form, whose steps do not lead to its key, or that cannot be read or written.
 */
export async function loadCommunityKey(options: KeyFile & { readonly random: RandomBytes }): Promise<CommunityKey> {
  const { file, random } = options;
  let content = await read(file);
  const created = content === undefined && (await create(file, { seed: random(COMPOSITE.seed), successors: [] }));
  content ??= (await read(file)) ?? bad(file, 'vanished');
  return { ...communityOf(options, content), created };
}

/** As `loadCommunityKey`, and throws `bad_config` where there is no file. */
export async function readCommunityKey(options: KeyFile): Promise<CommunityKey> {
  const content = (await read(options.file)) ?? bad(options.file, 'is not there; the bridge makes it when it first starts');
  return { ...communityOf(options, content), created: false };
}

function communityOf({ file, server, provider }: KeyFile, { seed, successors }: Content): Omit<CommunityKey, 'created'> {
  const publicKey = compositePublicKey(provider, seed);
  const steps = successors.map(decodeSuccessor);
  try {
    // Apps would take it for a stranger's key, and not come back by themselves.
    if (steps[0]) followSuccessors(provider, server, { pin: sha256(steps[0].oldKey), key: publicKey, steps });
  } catch (error) {
    bad(file, `its steps do not lead to its key, or are not of ${server}`, error);
  }
  return { server, publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed), seed, successors };
}

/** A new key, signed by `old`, takes its place in the file; the old seed is in no file afterwards. Throws `bad_config`. */
export async function succeedCommunityKey(
  file: string,
  old: CommunityKey,
  { provider, random, now }: { readonly provider: Provider; readonly random: RandomBytes; readonly now: number },
): Promise<void> {
  const seed = random(COMPOSITE.seed);
  const newKey = compositePublicKey(provider, seed);
  const step = signSuccessor({ server: old.server, oldKey: old.publicKey, sign: old.sign, newKey, time: now });
  const successors = [...old.successors, step].slice(-LIMITS.communitySuccessors);
  const beside = `${file}.${process.pid}.new`;
  try {
    await write(beside, { seed, successors });
    await rename(beside, file);
    await syncFolder(file);
  } catch (error) {
    bad(file, `cannot be written (${(error as NodeJS.ErrnoException).code})`, error);
  } finally {
    await rm(beside, { force: true });
  }
}

async function read(file: string): Promise<Content | undefined> {
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
    return contentOf(await handle.readFile('latin1')) ?? bad(file, 'is not a community key');
  } finally {
    await handle.close();
  }
}

/** Of a file's text. */
export const seedIn = (text: string): Uint8Array | undefined => contentOf(text)?.seed;

function contentOf(text: string): Content | undefined {
  const [first = '', ...rest] = text.trimEnd().split('\n');
  const seed = first.startsWith(PREFIX) ? fromBase64url(first.slice(PREFIX.length)) : undefined;
  const successors = rest.map((line) => (line.startsWith(STEP) ? fromBase64url(line.slice(STEP.length)) : undefined));
  return seed?.length === COMPOSITE.seed && areSteps(successors) ? { seed, successors } : undefined;
}

function areSteps(all: readonly (Uint8Array | undefined)[]): all is readonly Uint8Array[] {
  try {
    return all.length <= LIMITS.communitySuccessors && all.every((step) => step !== undefined && decodeSuccessor(step));
  } catch {
    return false;
  }
}

/** Synced. */
async function write(path: string, { seed, successors }: Content): Promise<void> {
  await rm(path, { force: true });
  const handle = await open(path, 'wx', 0o600);
  try {
    const steps = successors.map((step) => `${STEP}${toBase64url(step)}\n`);
    await handle.writeFile(`${PREFIX}${toBase64url(seed)}\n${steps.join('')}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(file));
  await folder.sync().finally(() => folder.close());
}

/** All or nothing, and never over another: written beside, synced, then linked to its name. False when there was one meanwhile. */
async function create(file: string, content: Content): Promise<boolean> {
  const beside = `${file}.${process.pid}.new`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await write(beside, content);
    await link(beside, file);
    await syncFolder(file);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EEXIST' ? false : bad(file, `cannot be written (${code})`, error);
  } finally {
    await rm(beside, { force: true });
  }
}
