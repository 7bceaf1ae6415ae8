/** What the schema found wrong, in words for the operator. */
import { stringify } from 'yaml';
import type { z } from 'zod';
import { cut, type Path, type Place } from './document.ts';
import { guess } from './guess.ts';
import { nearest } from './nearest.ts';
import { type Option, options, variableOf } from './options.ts';

export interface Mistake extends Place {
  readonly text: string;
}

/** In an address: no message repeats a password. */
const CREDENTIALS = /\/\/[^/@]*@/;
/** Secrets, and names of other programs' configurations, whose place here is another. */
const TOKENS = 'tokens live in the file that appservice.registration names, or in those of as_token_file and hs_token_file';
const ELSEWHERE = new Map([
  ['as_token', TOKENS],
  ['hs_token', TOKENS],
]);

/** Where a name belongs that is no option's. */
export const elsewhere = (name: string): string | undefined => ELSEWHERE.get(name);

/** `fits` says whether the schema would take another value at that path. */
export function describe(error: z.ZodError, value: unknown, fits: (path: Path, value: unknown) => boolean): Mistake[] {
  // By path: of two rules that one value breaks, the option's own words tell both, and a misspelled option is not missing as well.
  const told = new Set<string>();
  const issues = error.issues.map((issue) => ({ issue, path: issue.path as Path }));
  for (const { issue, path } of issues)
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) told.add([...path, nearIn(key, path)].join('.'));
  return issues.flatMap(({ issue, path }): Mistake[] => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path, key: [key], text: unknown(key, path) }));
    const found = valueAt(value, path);
    const name = path.join('.');
    if (told.has(name) && found === undefined) return [];
    if (told.has(`${name} `)) return [];
    told.add(`${name} `);
    return [{ path, text: wrong(found, path, (one) => fits(path, one)) }];
  });
}

function wrong(found: unknown, path: Path, fits: (value: unknown) => boolean): string {
  const option = optionAt(path);
  const allowed = `allowed is ${option?.allowed ?? 'something else'}`;
  if (found === undefined) return `is missing; ${allowed}`;
  // Not even a wrong place shows a secret.
  if (option?.path === true && typeof found === 'string' && found !== '')
    return `found what looks like a secret; write it into a file and name that: ${allowed}`;
  return `found ${show(found)}; ${allowed}${hintOf(found, path, option, fits)}`;
}

function hintOf(found: unknown, path: Path, option: Option | undefined, fits: (value: unknown) => boolean): string {
  const names = Object.keys(option?.properties ?? {});
  if (typeof found === 'string' && names.some((name) => new RegExp(`^${name}\\s*[:=]`).test(found)))
    return '; between an option and its value stand a colon and a space';
  if (typeof found === 'string' && found.includes('${'))
    return `; nothing is filled in here, but ${variableOf(path.map(String))} wins over this file`;
  const meant = guess(found, option?.enum ?? [], fits);
  if (meant === undefined) return '';
  const unquoted = typeof found === 'string' && typeof meant !== 'object' && String(meant) === found;
  return `; did you mean ${inline(meant)}${unquoted ? ', without quotes' : ''}?`;
}

const nearIn = (key: string, path: Path): string | undefined => nearest(key, Object.keys(optionAt(path)?.properties ?? {}));

function unknown(key: string, path: Path): string {
  const names = Object.keys(optionAt(path)?.properties ?? {});
  const near = nearIn(key, path);
  const places = near === undefined ? placesOf(key) : [near];
  const hint =
    places.length > 0 ? `did you mean ${places.join(' or ')}?` : `allowed ${names.length > 1 ? 'are' : 'is'} ${names.join(', ')}`;
  return `is unknown; ${elsewhere(key) ?? hint}`;
}

/** Options of that very name in other sections, and what is written with dots as YAML writes it. */
function placesOf(key: string, option: Option = options, path: readonly string[] = []): readonly string[] {
  return Object.entries(option.properties ?? {}).flatMap(([name, child]) => {
    const whole = [...path, name];
    const dotted = path.length > 0 && whole.join('.') === key ? [nested(whole)] : [];
    return [...(name === key ? [whole.join('.')] : dotted), ...placesOf(key, child, whole)];
  });
}

const nested = ([name, ...rest]: readonly string[]): string =>
  `${name}: ${rest.length > 1 ? `{${nested(rest)}}` : `{${rest[0]}: …}`}`;

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

/** As it would stand in the file, in one line. */
function inline(value: unknown): string {
  const text = stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false }).trim();
  return text.includes('\n') ? JSON.stringify(value) : text;
}

function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  return cut(typeof value === 'string' ? JSON.stringify(value.replace(CREDENTIALS, '//…@')) : String(value));
}
