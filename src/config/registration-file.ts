/** The registration file on the disk. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RandomBytes } from '../clock.ts';
import { VollyError } from '../errors.ts';
import {
  arePlaceholders,
  buildRegistration,
  checkRegistration,
  newTokens,
  type Registration,
  readTokens,
  registrationOptions,
  registrationToYaml,
} from './registration.ts';
import type { Config } from './schema.ts';

/** What the bridge starts with. Throws `bad_config` (absent, damaged, of another configuration) and `placeholder_secret`. */
export function loadRegistration(config: Config): Registration {
  const file = config.appservice.registration;
  const yaml = readIfThere(file);
  if (yaml === undefined) throw new VollyError('bad_config', `${file} is missing; \`volly-bridge registration\` writes it`);
  const options = registrationOptions(config);
  return buildRegistration(options, checkRegistration(yaml, file, options));
}

/**
 * Writes the file that fits the configuration, for its owner only, and keeps the tokens of one that is there: running it twice changes
 * nothing and locks nobody out. Throws `bad_config`.
 */
export function writeRegistration(config: Config, random: RandomBytes): 'written' | 'updated' | 'unchanged' {
  const file = config.appservice.registration;
  const before = readIfThere(file);
  const old = before === undefined ? undefined : readTokens(before, file);
  const tokens = old === undefined || arePlaceholders(old) ? newTokens(random) : old;
  const after = registrationToYaml(buildRegistration(registrationOptions(config), tokens));
  if (after === before) return 'unchanged';
  try {
    // By default the database's folder too, and this is mostly the first to make it.
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Never half a file, and never for a moment one that others may read, as one left there could be.
    rmSync(`${file}.new`, { force: true });
    writeFileSync(`${file}.new`, after, { mode: 0o600, flag: 'wx' });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new VollyError('bad_config', `${file} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  return before === undefined ? 'written' : 'updated';
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new VollyError('bad_config', `${file} cannot be read (${code})`, { cause: error });
  }
}
