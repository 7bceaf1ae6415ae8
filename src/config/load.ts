/**
 * Reads the configuration: the file, with what the environment has instead. Every mistake is named with file, line, column (or with its
 * variable), what was found and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { VollyError } from '../errors.ts';
import { type Conflict, conflictsOf } from './conflicts.ts';
import { nameOf, type Path, readDocument } from './document.ts';
import { type Environment, type Override, overridden, overridesOf } from './environment.ts';
import { describe, type Mistake } from './mistakes.ts';
import { type Option, options } from './options.ts';
import { type Config, configSchema } from './schema.ts';

/** `problems` are whole lines: `config.yaml:4:9: gateway.listen.port found "x"; allowed is a whole number from 1 to 65535`. */
export type Checked =
  | { readonly config: Config; readonly overrides: readonly Override[] }
  | { readonly problems: readonly string[] };

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EISDIR: 'it is a directory',
  ENOENT: 'there is none; `volly-bridge setup` writes it',
};

export function checkConfig(text: string, file: string, env: Environment = {}): Checked {
  const document = readDocument(text, file);
  const { overrides, problems } = overridesOf(env);
  if ('problems' in document) return { problems: [...document.problems, ...problems] };
  if ((document.value ?? undefined) === undefined && overrides.length === 0)
    return { problems: [`${file}:1:1: is empty; config.sample.yaml shows what belongs here`] };

  const value = overridden(document.value ?? {}, overrides);
  const variable = (path: Path): string | undefined =>
    overrides.findLast((one) => one.path.every((step, i) => step === path[i]))?.name;
  const line = ({ text: what, ...place }: Mistake): string => {
    const name = nameOf([...place.path, ...(place.key ?? [])]);
    return `${variable(place.path) ?? document.at(place)}: ${name === '' ? '' : `${name} `}${what}`;
  };

  const found = configSchema.safeParse(value);
  if (!found.success) return { problems: [...describe(found.error, value, fits).map(line), ...problems] };
  const config = absolute(found.data, options, dirname(resolve(file))) as Config;
  const isWritten = (path: Path): boolean => variable(path) !== undefined || document.has(path);
  const conflicts = conflictsOf(config).map((one) => line(mistakeOf(one, isWritten)));
  const all = [...conflicts, ...problems];
  return all.length > 0 ? { problems: all } : { config, overrides };
}

/** At the option that was written, where the other one has its default. */
function mistakeOf({ path, other, what, cure }: Conflict, isWritten: (path: Path) => boolean): Mistake {
  const [at, to] = !isWritten(path) && isWritten(other) ? [other, path] : [path, other];
  return { path: at, text: `${what} ${to.join('.')}; ${cure}` };
}

/** Whether the schema takes this value at that path: by itself, however long the list around it is. */
function fits(path: Path, value: unknown): boolean {
  const alone = path.reduceRight<unknown>((inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }), value);
  const at = path.map((step) => (typeof step === 'number' ? 0 : step));
  const { error } = configSchema.safeParse(alone);
  return error === undefined || !error.issues.some((issue) => at.every((step, i) => step === issue.path[i]));
}

/** Throws `bad_config` for a file that cannot be read. */
export function checkConfigFile(file: string, env: Environment = process.env): Checked {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === undefined ? undefined : WHY_UNREADABLE[code];
    throw new VollyError('bad_config', `${file} cannot be read${why ? `: ${why}` : ''} (${code})`, { cause: error });
  }
  return checkConfig(text, file, env);
}

/** Throws `bad_config` with the first mistake and how many more there are. */
export function loadConfig(file: string, env: Environment = process.env): Config {
  const checked = checkConfigFile(file, env);
  if ('config' in checked) return checked.config;
  const more = checked.problems.length - 1;
  throw new VollyError('bad_config', `${checked.problems[0]}${more > 0 ? ` (and ${more} more)` : ''}`);
}

/** Paths in the file are relative to it, wherever the bridge is started from. */
function absolute(value: unknown, option: Option | undefined, base: string): unknown {
  if (option?.path === true && typeof value === 'string') return resolve(base, value);
  if (option?.properties === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, absolute(one, option.properties?.[name], base)]));
}
