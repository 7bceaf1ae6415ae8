/** The registration file on the disk. */
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
import { readIfThere, writeWhole } from './write-file.ts';

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
  writeWhole(file, after);
  return before === undefined ? 'written' : 'updated';
}
