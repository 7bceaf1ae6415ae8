/** The command line of `npm run test:faults`. */
import { parseArgs } from 'node:util';
import { BUILDS, type BuildName } from './builds.ts';
import { SCENARIOS } from './scenarios.ts';

export const HELP = `usage: npm run test:faults -- [options]

  --only F1,F3     only these (of ${Object.keys(SCENARIOS).join(', ')})
  --short          about five minutes in all: fewer kills, shorter cuts; what is left out is said
  --minutes N      of the long form: how long what has no length of its own goes on; 10 unless told otherwise
  --seed N         of all that is random in it; printed, so that a run can be made again
  --json FILE      the table also as a list of rows
  --keep           keep logs and databases, not only where something failed
  --build NAME     run F1 with a bridge that has a known fault (${Object.keys(BUILDS).join(', ')}): passes when it is found
  --help           this

Real Synapses, real bridges, apps as processes of their own, on loopback and in network namespaces of its own. Exit code 1 when
anything was lost, doubled, out of order, or a bound was not kept.`;

export interface Options {
  readonly ids: readonly string[];
  /** Nothing was chosen: in the long form the bad builds are tried too. */
  readonly everything: boolean;
  readonly form: 'short' | 'long';
  readonly minutes: number;
  readonly seed: number;
  readonly json: string | undefined;
  readonly keep: boolean;
  readonly build: BuildName | undefined;
}

/** Undefined where only help was asked for. Throws an Error with one line for the user. */
export function readOptions(args?: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    ...(args && { args: [...args] }),
    options: {
      only: { type: 'string' },
      short: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      build: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { short, json, keep, build } = values;
  if (build !== undefined && !isBuild(build)) throw new Error(`--build: there is no ${build}`);
  const chosen = values.only ?? (build === undefined ? undefined : 'F1');
  const ids = chosen?.split(',').map((id) => id.trim().toUpperCase()) ?? Object.keys(SCENARIOS);
  const unknown = ids.find((id) => !SCENARIOS[id]);
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown || 'scenario without a name'}`);
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('--minutes: from 0 to 1440');
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed: a whole number');
  return { ids, everything: chosen === undefined, form: short ? 'short' : 'long', minutes, seed, json, keep, build };
}

const isBuild = (name: string): name is BuildName => Object.hasOwn(BUILDS, name);
