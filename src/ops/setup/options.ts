/** The options of the configuration that setup decides, each with its flag. Their words and rules are the schema's own. */
import { stringify } from 'yaml';
import { checkConfig } from '../../config/load.ts';
import { type Option, options } from '../../config/options.ts';

/** In the order of the configuration file. */
export const FLAGS = {
  'homeserver.url': '--homeserver-url',
  'homeserver.server_name': '--server-name',
  'appservice.url': '--appservice-url',
  'appservice.listen.host': '--appservice-host',
  'appservice.listen.port': '--appservice-port',
  'appservice.registration': '--registration',
  'gateway.listen.host': '--gateway-host',
  'gateway.listen.port': '--gateway-port',
  'gateway.public_url': '--public-url',
  'gateway.legacy': '--legacy',
  'admin.listen.port': '--admin-port',
} as const;

export type OptionName = keyof typeof FLAGS;
export const OPTION_NAMES = Object.keys(FLAGS) as readonly OptionName[];

export type Value = string | number | boolean;
export type Answers = ReadonlyMap<OptionName, Value>;

const pathOf = (name: OptionName): string[] => name.split('.');

export function optionOf(name: OptionName): Option {
  let option: Option | undefined = options;
  for (const step of pathOf(name)) option = option?.properties?.[step];
  if (option === undefined) throw new Error(`the schema has no ${name}`);
  return option;
}

/** What it is for. A port has the words of its section before it: there are several. */
export function explain(name: OptionName): string {
  const parent = name.endsWith('.listen.port')
    ? options.properties?.[name.slice(0, name.indexOf('.'))]?.properties?.['listen']
    : undefined;
  return [parent?.description, optionOf(name).description].filter((text) => text !== undefined).join(' ');
}

/** As it would stand in the file: `29331` is a number where one belongs. */
export const fromText = (name: OptionName, text: string): Value =>
  typeof optionOf(name).default === 'number' && /^\d{1,9}$/.test(text) ? Number(text) : text;

/** In the words of `volly-bridge config check`: `found "x"; allowed is …`. */
export function mistakeIn(name: OptionName, value: Value): string | undefined {
  const checked = checkConfig(stringify(treeOf(new Map([[name, value]]))), '');
  // Of what else is missing, nothing is said here.
  const mark = `: ${name} `;
  const line = 'problems' in checked ? checked.problems.find((one) => one.includes(mark)) : undefined;
  return line?.slice(line.indexOf(mark) + mark.length);
}

/** Nested as in the file, in its order. */
export function treeOf(answers: Answers): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const name of OPTION_NAMES) {
    const value = answers.get(name);
    if (value === undefined) continue;
    const path = pathOf(name);
    const last = path.pop()!;
    let section = tree;
    for (const step of path) {
      section[step] ??= {};
      section = section[step] as Record<string, unknown>;
    }
    section[last] = value;
  }
  return tree;
}

/** What a configuration, or a part of one, says of an option. */
export function valueIn(config: unknown, name: OptionName): unknown {
  let at = config;
  for (const step of pathOf(name)) at = (at as Record<string, unknown> | undefined)?.[step];
  return at;
}
