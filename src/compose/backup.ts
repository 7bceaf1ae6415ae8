/** Makes backups, beside a running bridge or without one. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import { copyDatabase } from '../storage/sqlite/backup.ts';
import {
  cannot,
  checkBackup,
  copyPrivately,
  digestOf,
  type Manifest,
  PARTS,
  readManifest,
  syncFolder,
  writeManifest,
} from './backup-folder.ts';

/** `volly-20261124T143000.123Z`: in the order of their times. */
const NAME = /^volly-\d{8}T\d{6}\.\d{3}Z$/;
const nameOf = ({ taken_at }: Manifest): string => `volly-${taken_at.replaceAll(/[-:]/g, '')}`;

export interface BackupOptions {
  readonly config: Config;
  /** The file that it was read from. */
  readonly configFile: string;
  /** Where backups are: each is a folder in it. */
  readonly into: string;
  /** How many stay there, this one included; all unless given. */
  readonly keep?: number | undefined;
  /** This program's version. */
  readonly program: string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Backup {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Whole and checked when it has its name; whatever fails leaves nothing. Throws `bad_backup`, `database`, `newer_schema`. */
export async function backUp({ into, keep, ...options }: BackupOptions): Promise<Backup> {
  let partial: string;
  try {
    await mkdir(into, { recursive: true, mode: 0o700 });
    partial = await mkdtemp(join(into, '.partial-')); // mode 0700
  } catch (error) {
    throw cannot(into, 'written', error);
  }
  try {
    await fill(partial, options);
    const manifest = await checkBackup(partial);
    const folder = join(into, nameOf(manifest));
    await syncFolder(partial);
    await rename(partial, folder);
    await syncFolder(into);
    if (keep !== undefined) await prune(into, keep, manifest);
    return { folder, manifest };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error instanceof VollyError ? error : cannot(into, 'written', error);
  }
}

async function fill(folder: string, { config, configFile, program, clock }: Omit<BackupOptions, 'into' | 'keep'>): Promise<void> {
  const at = (name: string): string => join(folder, name);
  await copyPrivately(configFile, at(PARTS.config));
  const { registration, as_token_file: tokens } = config.appservice;
  // Where its tokens come as files of their own it may be on the homeserver's machine alone.
  const hasRegistration = tokens === undefined || existsSync(registration);
  if (hasRegistration) await copyPrivately(registration, at(PARTS.registration));
  await copyPrivately(config.keys.path, at(PARTS.key));
  // Last: what the others hold does not change, and the backup ends with it.
  const { takenAt, schema } = await copyDatabase({ file: config.storage.path, to: at(PARTS.database), clock });
  await writeManifest(folder, {
    format: 1,
    program,
    schema,
    server: config.homeserver.server_name,
    taken_at: new Date(takenAt).toISOString(),
    files: {
      [PARTS.config]: await digestOf(at(PARTS.config)),
      ...(hasRegistration ? { [PARTS.registration]: await digestOf(at(PARTS.registration)) } : {}),
      [PARTS.key]: await digestOf(at(PARTS.key)),
      [PARTS.database]: await digestOf(at(PARTS.database)),
    },
  });
}

/**
 * The oldest of this community go, by their names; never the one that was just made, as where another was made by a clock that was ahead. What is
 * no backup of it is left alone.
 */
async function prune(into: string, keep: number, made: Manifest): Promise<void> {
  const others: string[] = [];
  for (const name of (await readdir(into)).filter((name) => NAME.test(name) && name !== nameOf(made)).sort()) {
    const manifest = await readManifest(join(into, name)).catch(() => undefined);
    if (manifest?.server === made.server) others.push(name);
  }
  for (const name of others.slice(0, Math.max(0, others.length + 1 - keep))) await rm(join(into, name), { recursive: true });
}
