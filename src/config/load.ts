/** Reads the configuration file. Every mistake in it is named with file, line, column, what was found and what is allowed. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { VollyError } from '../errors.ts';
import { conflictsOf } from './conflicts.ts';
import { describe, type Mistake } from './mistakes.ts';
import { type Option, options } from './options.ts';
import { type Config, configSchema } from './schema.ts';

/** More aliases than this in a file of forty options are an attack or an accident. */
const ALIASES = 100;

export type Checked = { readonly config: Config } | { readonly problems: readonly string[] };

/** `problems` are whole lines: `config.yaml:4:9: gateway.listen.port: found "x"; allowed is a whole number from 1 to 65535`. */
export function checkConfig(text: string, file: string): Checked {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ pos, message }) => `${at(pos[0])}: not YAML: ${message}`) };

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES });
  } catch {
    return { problems: [`${file}:1:1: too many or unknown aliases; allowed are at most ${ALIASES}`] };
  }
  const found = configSchema.safeParse(value ?? {});
  const mistakes = found.success
    ? conflictsOf(found.data).map(({ path, why }): Mistake => ({ path, text: why }))
    : describe(found.error, value);
  if (mistakes.length > 0 || !found.success) {
    return {
      problems: mistakes.map(
        ({ path, key, text }) => `${at(offsetOf(document.contents, path, key))}: ${[...path, ...(key ?? [])].join('.')} ${text}`,
      ),
    };
  }
  return { config: absolute(found.data, options, dirname(resolve(file))) as Config };
}

/** Throws `bad_config` for a file that cannot be read. */
export function checkConfigFile(file: string): Checked {
  try {
    return checkConfig(readFileSync(file, 'utf8'), file);
  } catch (error) {
    throw new VollyError('bad_config', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

/** Throws `bad_config` with the first mistake and how many more there are. */
export function loadConfig(file: string): Config {
  const checked = checkConfigFile(file);
  if ('config' in checked) return checked.config;
  const more = checked.problems.length - 1;
  throw new VollyError('bad_config', `${checked.problems[0]}${more > 0 ? ` (and ${more} more)` : ''}`);
}

/** Of the value at `path`; with `key`, of that key in it; of the nearest thing around it where the file has no such value. */
function offsetOf(root: unknown, path: Mistake['path'], key: Mistake['key']): number {
  let node = root;
  let offset = isNode(root) ? (root.range?.[0] ?? 0) : 0;
  for (const step of [...path, ...(key ?? [])]) {
    if (!isNode(node)) break;
    const pair = isMap(node) ? node.items.find((item) => isNode(item.key) && String(item.key) === String(step)) : undefined;
    if (isMap(node) && pair === undefined) break;
    if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
    node = pair === undefined ? (node as { get?: (at: unknown, keep: boolean) => unknown }).get?.(step, true) : pair.value;
    // The value is where the mistake is, unless it is itself a section or not there at all.
    if (key === undefined && isNode(node) && !isMap(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}

/** Paths in the file are relative to it, wherever the bridge is started from. */
function absolute(value: unknown, option: Option | undefined, base: string): unknown {
  if (option?.path === true && typeof value === 'string') return resolve(base, value);
  if (option?.properties === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, absolute(one, option.properties?.[name], base)]));
}
