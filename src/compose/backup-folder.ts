/** A backup on the disk: one folder for its owner alone, with a manifest that says what must be in it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VollyError } from '../errors.ts';
import { checkDatabase } from '../storage/sqlite/backup.ts';

export const PARTS = {
  config: 'config.yaml',
  registration: 'registration.yaml',
  key: 'community.key',
  database: 'volly.db',
} as const;
const MANIFEST = 'manifest.json';

const digest = z.strictObject({ bytes: z.int(), sha256: z.string() });
const manifest = z.strictObject({
  format: z.literal(1),
  /** The version of the program that made it. */
  program: z.string(),
  /** Of the database. */
  schema: z.int(),
  server: z.string(),
  /** What was promised by then is in it. */
  taken_at: z.iso.datetime(),
  files: z.strictObject({
    [PARTS.config]: digest,
    // Not where its tokens come as files of their own.
    [PARTS.registration]: digest.optional(),
    [PARTS.key]: digest,
    [PARTS.database]: digest,
  }),
});

export type Digest = z.infer<typeof digest>;
export type Manifest = z.infer<typeof manifest>;

export const badBackup = (where: string, what: string, cause?: unknown): VollyError =>
  new VollyError('bad_backup', `${where}: ${what}`, { cause });

/** For what the file system says no to. */
export const cannot = (path: string, what: string, error: unknown): VollyError =>
  badBackup(path, `cannot be ${what} (${(error as NodeJS.ErrnoException).code})`, error);

export async function digestOf(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    throw cannot(file, 'read', error);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Into a new file of mode 0600, whatever that of the first one is; on the disk when it resolves. */
export async function copyPrivately(from: string, to: string): Promise<void> {
  const file = await open(to, 'wx', 0o600).catch((error) => Promise.reject(cannot(to, 'written', error)));
  try {
    const source = createReadStream(from).on('error', (error) => source.destroy(cannot(from, 'read', error)));
    for await (const chunk of source as AsyncIterable<Buffer>) await file.writeFile(chunk);
    await file.sync();
  } catch (error) {
    throw error instanceof VollyError ? error : cannot(from, `copied to ${to}`, error);
  } finally {
    await file.close();
  }
}

/** Names in a folder are on the disk once it is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

export async function writeManifest(folder: string, content: Manifest): Promise<void> {
  const file = await open(join(folder, MANIFEST), 'wx', 0o600);
  await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
  await file.sync().finally(() => file.close());
}

/** Throws `bad_backup`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, 'utf8').catch((error) => Promise.reject(cannot(path, 'read', error)));
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    throw badBackup(path, 'is not a manifest that this program knows', error);
  }
}

/** Reads all of it and compares. Throws `bad_backup`, `newer_schema`. */
export async function checkBackup(folder: string): Promise<Manifest> {
  const found = await readManifest(folder);
  for (const [name, said] of Object.entries(found.files)) {
    const { bytes, sha256 } = await digestOf(join(folder, name));
    if (bytes !== said.bytes || sha256 !== said.sha256) throw badBackup(join(folder, name), 'is not what was backed up');
  }
  if (checkDatabase(join(folder, PARTS.database)) !== found.schema) throw badBackup(folder, 'its database has another schema');
  return found;
}
