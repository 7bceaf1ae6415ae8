/** The registration file, against the configuration. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import {
  arePlaceholders,
  areWeak,
  buildRegistration,
  differenceOf,
  readTokens,
  registrationOptions,
  type Tokens,
} from '../../../config/registration.ts';
import { tokensGiven } from '../../../config/registration-file.ts';
import type { Config } from '../../../config/schema.ts';
import { VollyError } from '../../../errors.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';

/** A homeserver pushes to-device messages where one of these is set and its own flag is. */
const PUSHES = ['receive_ephemeral', 'de.sorunome.msc2409.push_ephemeral', 'push_ephemeral'];

export const registrationCheck = (config: Check<Config>): Check<Tokens> =>
  check({
    name: 'registration',
    needs: [config],
    run([config]) {
      const file = config.appservice.registration;
      let yaml: string | undefined;
      let given: Tokens | undefined;
      try {
        yaml = readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return notTried('it cannot be read');
      }
      try {
        given = tokensGiven(config);
      } catch (error) {
        if (error instanceof VollyError) return failed('token_files_unusable', error.message);
        throw error;
      }
      if (yaml !== undefined) return look(yaml, given, config);
      // It may be on the homeserver's machine alone.
      return given === undefined ? failed('registration_missing', file) : ok('not here; tokens come from their files', given);
    },
  });

function look(yaml: string, given: Tokens | undefined, config: Config): Outcome<Tokens> {
  const file = config.appservice.registration;
  let tokens: Tokens;
  try {
    tokens = given ?? readTokens(yaml, file);
  } catch (error) {
    if (error instanceof VollyError) return failed('registration_damaged', file);
    throw error;
  }
  if (arePlaceholders(tokens)) return failed('placeholder_tokens', file);
  if (areWeak(tokens)) return failed('weak_tokens', file);
  const field = differenceOf(yaml, buildRegistration(registrationOptions(config), tokens));
  if (field === 'namespaces') return failed('namespaces_differ', file);
  if (field !== undefined) return failed('registration_differs', `${field} in ${file}`);
  const fields = parse(yaml) as Record<string, unknown>;
  const pushes = PUSHES.filter((name) => fields[name] === true);
  if (pushes.length > 0) return warning('pushes_requested', `${pushes.join(', ')} in ${file}`, tokens);
  return ok(file, tokens);
}
