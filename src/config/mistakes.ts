/** What the schema found wrong, in words for the operator. */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { type Option, options } from './options.ts';

type Path = readonly (string | number)[];

export interface Mistake {
  readonly path: Path;
  /** For a name that should not be there: it stands in the section at `path`. */
  readonly key?: readonly [string];
  readonly text: string;
}

/** Found values are cut here: a message is one line. */
const FOUND_CHARACTERS = 60;
/** Names of other programs' configurations, whose place here is another. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  as_token: 'tokens live in the file that appservice.registration names',
  hs_token: 'tokens live in the file that appservice.registration names',
};

export function describe(error: z.ZodError, value: unknown): Mistake[] {
  return error.issues.flatMap((issue): Mistake[] => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const option = optionAt(path);
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path, key: [key], text: unknown(key, option) }));
    const found = valueAt(value, path);
    const what = found === undefined ? 'is missing' : `found ${show(found)}`;
    return [{ path, text: `${what}; allowed is ${option?.allowed ?? 'something else'}` }];
  });
}

function unknown(key: string, section: Option | undefined): string {
  const names = Object.keys(section?.properties ?? {});
  const near = nearest(key, names);
  const hint = ELSEWHERE[key] ?? (near === undefined ? placeOf(key) : `did you mean ${near}?`);
  return `is unknown; ${hint ?? `allowed are ${names.join(', ')}`}`;
}

/** An option of that very name in another section. */
function placeOf(key: string, option: Option = options, path = ''): string | undefined {
  for (const [name, child] of Object.entries(option.properties ?? {})) {
    if (name === key) return `did you mean ${path}${name}?`;
    const deeper = placeOf(key, child, `${path}${name}.`);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

function optionAt(path: Path): Option | undefined {
  let option: Option | undefined = options;
  for (const step of path) option = typeof step === 'number' ? option?.items : option?.properties?.[step];
  return option;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path)
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[step] : undefined;
  return at;
}

function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > FOUND_CHARACTERS ? `${text.slice(0, FOUND_CHARACTERS)}…` : text;
}
