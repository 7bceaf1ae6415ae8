/** Puts a backup in the place of a bridge's data. What was there is kept beside it under another name. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { checkConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import { claimDatabase } from '../storage/sqlite/claim.ts';
import { badBackup, cannot, checkBackup, copyPrivately, digestOf, type Manifest, PARTS, syncFolder } from './backup-folder.ts';

export interface RestoreOptions {
  /** The folder of one backup. */
  readonly from: string;
  /** It stays as it is; where there is none that of the backup takes its place. */
  readonly configFile: string;
  /** What that file says. */
  readonly config: () => Config;
  /** Over what is there. */
  readonly force: boolean;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Files that were there, under their new names. */
  readonly aside: readonly string[];
}

/**
 * The database comes last, so that a restore that was cut short is finished by another one. Throws `bad_backup`, `newer_schema`, `data_exists`, `database` (a
 * bridge runs), `bad_config`; nothing was changed then.
 */
export async function restore({ from, configFile, config, force, clock }: RestoreOptions): Promise<Restored> {
  const manifest = await checkBackup(from);
  const hasConfig = existsSync(configFile);
  const { storage, keys, appservice, homeserver } = hasConfig ? config() : configOf(join(from, PARTS.config), configFile);
  if (homeserver.server_name !== manifest.server)
    throw badBackup(from, `it is of ${manifest.server}, and the configuration of ${homeserver.server_name}`);
  const targets = [
    ...(hasConfig ? [] : [[PARTS.config, configFile] as const]),
    ...(manifest.files[PARTS.registration] ? [[PARTS.registration, appservice.registration] as const] : []),
    [PARTS.key, keys.path],
    [PARTS.database, storage.path],
  ] as const;
  for (const [, target] of targets) await makeFolder(dirname(target));
  const release = claimDatabase(storage.path);
  try {
    const missing = [];
    for (const [name, target] of targets) {
      if (await differs(target, manifest.files[name]?.sha256)) missing.push([name, target] as const);
    }
    // A log without its database, too: it would be taken for that of the new one.
    const there = [...missing.map(([, target]) => target), `${storage.path}-wal`, `${storage.path}-shm`].filter(existsSync);
    if (there.length > 0 && !force) throw new VollyError('data_exists', there.join(', '));
    for (const [name, target] of missing) await stage(join(from, name), target);
    const aside = await setAside(there, storage.path, new Date(clock.now()).toISOString().replaceAll(/[-:]|\..*/g, ''));
    for (const [, target] of missing) await rename(stagedOf(target), target);
    for (const folder of new Set(targets.map(([, target]) => dirname(target)))) await syncFolder(folder);
    return { manifest, aside };
  } finally {
    release();
  }
}

const stagedOf = (target: string): string => `${target}.restoring`;

async function stage(source: string, target: string): Promise<void> {
  await rm(stagedOf(target), { force: true });
  await copyPrivately(source, stagedOf(target));
}

/** A log keeps the name of its database, so that what was set aside can be opened. */
async function setAside(files: readonly string[], database: string, stamp: string): Promise<readonly string[]> {
  const named = (file: string): string =>
    file.startsWith(database) ? `${database}.before-${stamp}${file.slice(database.length)}` : `${file}.before-${stamp}`;
  for (const file of files) await rename(file, named(file));
  return files.map(named);
}

const differs = async (target: string, sha256: string | undefined): Promise<boolean> =>
  !existsSync(target) || (await digestOf(target)).sha256 !== sha256;

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cannot(folder, 'made', error);
  }
}

/** As it will be in its place: paths in it are relative to that. */
function configOf(file: string, place: string): Config {
  const checked = checkConfig(readFileSync(file, 'utf8'), place);
  if ('config' in checked) return checked.config;
  throw new VollyError('bad_config', `${file}: ${checked.problems[0]}`);
}
