/** The registration file on the disk. */
import type { RandomBytes } from '../clock.ts';
import { VollyError } from '../errors.ts';
import {
  arePlaceholders,
  buildRegistration,
  checkTokens,
  differenceOf,
  newTokens,
  type Registration,
  readTokens,
  registrationOptions,
  registrationToYaml,
  type Tokens,
} from './registration.ts';
import type { Config } from './schema.ts';
import { readSecret } from './secret-file.ts';
import { readIfThere, writeWhole } from './write-file.ts';

/**
 * What the bridge starts with. Where the tokens come as files of their own the registration may be on the homeserver's machine alone; one
 * that is here must fit. Throws `bad_config` (absent, damaged, of another configuration) and `placeholder_secret`.
 */
export function loadRegistration(config: Config): Registration {
  const file = config.appservice.registration;
  const yaml = readIfThere(file);
  const tokens = tokensGiven(config) ?? (yaml === undefined ? undefined : readTokens(yaml, file));
  if (tokens === undefined) throw new VollyError('bad_config', `${file} is missing; \`volly-bridge registration\` writes it`);
  checkTokens(tokens, file);
  const registration = buildRegistration(registrationOptions(config), tokens);
  const wrong = yaml === undefined ? undefined : differenceOf(yaml, registration);
  if (wrong === undefined) return registration;
  throw new VollyError('bad_config', `${file}: ${wrong} does not fit the configuration; \`volly-bridge registration\` mends it`);
}

/**
 * Writes the file that fits the configuration, for its owner only, and keeps the tokens of one that is there: running it twice changes
 * nothing and locks nobody out. Tokens that come as files of their own win. Throws `bad_config`, `placeholder_secret`.
 */
export function writeRegistration(config: Config, random: RandomBytes): 'written' | 'updated' | 'unchanged' {
  const file = config.appservice.registration;
  const before = readIfThere(file);
  const tokens = tokensGiven(config) ?? tokensKept(before, file) ?? newTokens(random);
  const after = registrationToYaml(buildRegistration(registrationOptions(config), tokens));
  if (after === before) return 'unchanged';
  writeWhole(file, after);
  return before === undefined ? 'written' : 'updated';
}

/** Those that come as files of their own. Throws `bad_config`, `placeholder_secret`. */
export function tokensGiven({ appservice: { as_token_file: as, hs_token_file: hs } }: Config): Tokens | undefined {
  if (as === undefined || hs === undefined) return undefined; // the configuration has both or neither
  const tokens = { asToken: readSecret(as), hsToken: readSecret(hs) };
  checkTokens(tokens, as);
  return tokens;
}

function tokensKept(yaml: string | undefined, file: string): Tokens | undefined {
  const tokens = yaml === undefined ? undefined : readTokens(yaml, file);
  return tokens === undefined || arePlaceholders(tokens) ? undefined : tokens;
}
