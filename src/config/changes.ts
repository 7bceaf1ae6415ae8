/** What of a changed configuration a running bridge takes over, by what the schema says of each option. */
import { isDeepStrictEqual } from 'node:util';
import { type Option, options } from './options.ts';
import type { Config } from './schema.ts';

export interface Changes {
  /** `before`, with what is taken over. */
  readonly config: Config;
  /** Names of options that changed. */
  readonly applied: readonly string[];
  /** Names of those that wait for the next start. */
  readonly waiting: readonly string[];
}

export function changesIn(before: Config, after: Config): Changes {
  const applied: string[] = [];
  const waiting: string[] = [];
  const merge = (option: Option | undefined, old: unknown, next: unknown, path: readonly string[]): unknown => {
    // A section that comes or goes is one change: what its options are about is not there yet, or is in use.
    if (option?.properties !== undefined && isSection(old) && isSection(next))
      return Object.fromEntries(
        Object.entries(option.properties)
          .map(([name, child]) => [name, merge(child, old[name], next[name], [...path, name])] as const)
          .filter(([, value]) => value !== undefined),
      );
    if (isDeepStrictEqual(old, next)) return old;
    (option?.reloads === true ? applied : waiting).push(path.join('.'));
    return option?.reloads === true ? next : old;
  };
  const config = merge(options, before, after, []) as Config;
  return { config, applied, waiting };
}

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
