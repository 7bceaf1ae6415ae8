/** Who may read the files that hold secrets. */
import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../../config/schema.ts';
import { OF_THE_CONTAINER } from '../../../config/secret-file.ts';
import { type Check, check } from '../check.ts';
import { failed, type Outcome, ok, warning } from '../finding.ts';
import type { DoctorPorts } from '../ports.ts';

interface Secret {
  readonly file: string;
  /** Bits that it may not have. */
  readonly forbidden: number;
}

const ANY_OTHER = 0o077;
/** A group of its own is how a homeserver's user is let in. */
const BUT_ONE_GROUP = 0o037;
const WRITE_OF_OTHERS = 0o002;
const STICKY = 0o1000;
/** What no file with a secret needs. */
const OF_PROGRAMS = 0o7111;

const databaseFiles = (path: string): readonly string[] => ['', '-wal', '-shm', '-claim'].map((end) => `${path}${end}`);

const secretsOf = ({ appservice, keys, admin, gateway, storage }: Config): readonly Secret[] => [
  { file: appservice.registration, forbidden: BUT_ONE_GROUP },
  ...[keys.path, admin.token, ...databaseFiles(storage.path)].map((file) => ({ file, forbidden: ANY_OTHER })),
  ...[gateway.tls?.key, appservice.as_token_file, appservice.hs_token_file]
    .filter(isOwn)
    .map((file) => ({ file, forbidden: BUT_ONE_GROUP })),
];

const isOwn = (file: string | undefined): file is string => file !== undefined && !file.startsWith(OF_THE_CONTAINER);

export const permissionsCheck = ({ configFile }: Pick<DoctorPorts, 'configFile'>, config: Check<Config>): Check<void> =>
  check({
    name: 'permissions',
    needs: [config],
    run([config]) {
      // Windows has no such bits.
      if (process.platform === 'win32') return ok('not looked at on Windows', undefined);
      return (
        unreadable(config) ??
        open(secretsOf(config)) ??
        writable(config, configFile) ??
        owners(config, configFile) ??
        good(config)
      );
    },
  });

function open(secrets: readonly Secret[]): Outcome<never> | undefined {
  const found = secrets.filter(({ file, forbidden }) => ((statOf(file)?.mode ?? 0) & forbidden) !== 0);
  if (found.length === 0) return undefined;
  const fix = (): string => {
    for (const { file, forbidden } of found) takeFrom(file, forbidden | OF_PROGRAMS);
    return `took the rights of others from ${found.map(({ file }) => file).join(', ')}`;
  };
  return failed('readable_by_others', shown(found.map(({ file }) => file)), { fix });
}

/** Whoever writes the configuration, or swaps a file in its folder, commands the bridge. */
function writable({ storage, keys, admin, appservice }: Config, configFile: string): Outcome<never> | undefined {
  const folders = [configFile, storage.path, keys.path, admin.token, appservice.registration].map((file) => dirname(file));
  const found = [configFile, ...new Set(folders)].filter((path) => {
    const mode = statOf(path)?.mode ?? 0;
    return (mode & WRITE_OF_OTHERS) !== 0 && (mode & STICKY) === 0;
  });
  if (found.length === 0) return undefined;
  const fix = (): string => {
    for (const path of found) takeFrom(path, WRITE_OF_OTHERS);
    return `took the right to write from others: ${found.join(', ')}`;
  };
  return failed('writable_by_others', shown(found), { fix });
}

function unreadable(config: Config): Outcome<never> | undefined {
  const found = [...secretsOf(config).map(({ file }) => file), config.gateway.tls?.certificate].filter(isUnreadable);
  return found.length === 0 ? undefined : failed('not_readable', found.join(', '));
}

/** It is there, or behind a folder that this user may not enter. What cannot be read is named here, and not tried by other checks. */
export function isUnreadable(file: string | undefined): file is string {
  if (file === undefined) return false;
  try {
    closeSync(openSync(file, 'r'));
    return false;
  } catch (error) {
    return /^(EACCES|EPERM)$/.test(String((error as NodeJS.ErrnoException).code));
  }
}

/** Whether others may read or change it, which is named here too. */
export const isOpen = (file: string): boolean => ((statOf(file)?.mode ?? 0) & ANY_OTHER) !== 0;

/** The bridge's user is the one that the database belongs to. Others' files it must at least be able to read: by a group, as far as this tells. */
function owners(config: Config, configFile: string): Outcome<void> | undefined {
  const { keys, admin, storage, appservice } = config;
  const database = statOf(storage.path);
  if (database === undefined) return undefined;
  const own = [...databaseFiles(storage.path), keys.path, admin.token];
  const foreign = [...own, appservice.registration, configFile].find((file) => {
    const stat = statOf(file);
    if (stat === undefined || stat.uid === database.uid) return false;
    return own.includes(file) || (stat.mode & 0o044) === 0;
  });
  if (foreign === undefined) return undefined;
  return warning('other_owner', `${storage.path} is of user ${database.uid}, ${foreign} of ${statOf(foreign)?.uid}`, undefined);
}

function good({ appservice }: Config): Outcome<void> {
  const stat = statOf(appservice.registration);
  const group = stat !== undefined && (stat.mode & 0o040) !== 0 ? `; group ${stat.gid} may read the registration` : '';
  return ok(`nobody else may read them${group}`, undefined);
}

/** Through no link: whoever may write in the folder could lead a root who mends to any file. */
function takeFrom(path: string, bits: number): void {
  const opened = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    fchmodSync(opened, fstatSync(opened).mode & 0o7777 & ~bits);
  } finally {
    closeSync(opened);
  }
}

const shown = (files: readonly string[]): string =>
  files.map((file) => `${file} (${(modeOf(file) & 0o777).toString(8)})`).join(', ');
const modeOf = (file: string): number => statSync(file).mode;

function statOf(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}
