/** Options from environment variables: `VOLLY_GATEWAY__LISTEN__PORT=443` stands for `gateway.listen.port: 443` and wins over the file. */
import { parseDocument } from 'yaml';
import { notYaml } from './document.ts';
import { elsewhere } from './mistakes.ts';
import { nearest } from './nearest.ts';
import { type Option, options, variableOf } from './options.ts';

export interface Override {
  /** Of the variable. */
  readonly name: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of tests and of example apps. */
const NOT_OURS = /^VOLLY_(TEST_.*|SYNAPSE|VECTORS|INVITE)$/;
/** What Kubernetes and Docker tell every container of a service that is called volly. They never write two underscores. */
const OF_A_SERVICE = /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)/;
const ADDRESS_OF_A_SERVICE = /^(tcp|udp|sctp):\/\//;

interface Place {
  readonly path: readonly string[];
  readonly isText: boolean;
}

/** Sections before what is in them, so that the nearer one wins. */
function placesOf(option: Option, path: readonly string[] = []): readonly Place[] {
  return Object.entries(option.properties ?? {}).flatMap(([name, child]) => [
    { path: [...path, name], isText: child.type === 'string' },
    ...placesOf(child, [...path, name]),
  ]);
}
const PATHS = new Map(placesOf(options).map((place) => [variableOf(place.path), place]));
/** Without sections: nobody misspells these alone. */
const OPTIONS = [...PATHS.keys()].filter((name, _, all) => !all.some((other) => other.startsWith(`${name}__`)));

/** An empty variable is as good as none: compose files write it for what is not set. */
export function overridesOf(env: Environment): { readonly overrides: readonly Override[]; readonly problems: readonly string[] } {
  const overrides: Override[] = [];
  const problems: string[] = [];
  for (const [name, { path, isText }] of PATHS) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const { errors, contents } = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
    // What is text need not be quoted: `::` and `1.20` are an address and a name, whatever YAML makes of them.
    if (isText && (errors.length > 0 || typeof contents?.toJSON() !== 'string')) overrides.push({ name, path, value: text });
    else if (errors[0] !== undefined) problems.push(`${name}: ${notYaml(errors[0])}`);
    else overrides.push({ name, path, value: contents?.toJSON() });
  }
  for (const [name, text = ''] of Object.entries(env)) {
    if (!name.startsWith('VOLLY_') || PATHS.has(name) || NOT_OURS.test(name)) continue;
    if (!name.includes('__') && (OF_A_SERVICE.test(name) || ADDRESS_OF_A_SERVICE.test(text))) continue;
    const near = nearest(name, OPTIONS);
    const hint = near === undefined ? 'docs/CONFIG.md names every variable' : `did you mean ${near}?`;
    problems.push(`${name} is unknown; ${elsewhere(name.slice(name.lastIndexOf('__') + 2).toLowerCase()) ?? hint}`);
  }
  return { overrides, problems };
}

/** The file's content with the variables in their places. What is no section on the way stays as it is: it is a mistake of its own. */
export const overridden = (value: unknown, overrides: readonly Override[]): unknown =>
  overrides.reduce((around, { path, value: one }) => withValue(around, path, one), value);

function withValue(around: unknown, [step, ...rest]: readonly string[], one: unknown): unknown {
  if (step === undefined) return one;
  if (Array.isArray(around) || (around !== undefined && typeof around !== 'object')) return around;
  const section = (around ?? {}) as Readonly<Record<string, unknown>>;
  return { ...section, [step]: withValue(section[step], rest, one) };
}
