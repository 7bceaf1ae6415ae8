/** The configuration file: one that is there and good is gone on with, another is written from the answers. */
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Clock } from '../../clock.ts';
import { checkConfig, loadConfig } from '../../config/load.ts';
import { type Config, configSchema } from '../../config/schema.ts';
import { readIfThere, writeWhole } from '../../config/write-file.ts';
import { VollyError } from '../../errors.ts';
import { Form, flagValue, type Given } from './form.ts';
import { gather, type Surroundings } from './gather.ts';
import { type Answers, FLAGS, OPTION_NAMES, type OptionName, optionOf, treeOf, type Value, valueIn } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface Wanted {
  /** Path of the configuration file. */
  readonly file: string;
  readonly given: Given;
  /** Write over a file that is there. */
  readonly force: boolean;
}

/** Nothing is written before every question has its answer. Throws `bad_config`, `bad_answer`, `config_exists`, `port_taken`, `setup_ended`. */
export async function configure(
  { file, given, force }: Wanted,
  terminal: Terminal,
  around: Surroundings & { readonly clock: Clock },
): Promise<Config> {
  const old = readIfThere(file);
  if (!force && old !== undefined) {
    const config = loadConfig(file);
    refuseOthers(config, given, file);
    terminal.say(`${file}: there and good; going on with it`);
    return config;
  }
  const text = configText(await gather(new Form(given, terminal), around));
  const checked = checkConfig(text, file);
  if ('problems' in checked) throw new VollyError('bad_answer', checked.problems[0]);
  if (old !== undefined && old !== text) keep(old, file, around.clock, terminal);
  writeWhole(file, text);
  terminal.say(`${file}: written`);
  return loadConfig(file);
}

/** It may hold what an operator has written by hand, of which setup asks nothing. Named as `volly-bridge restore` names what it puts aside. */
function keep(old: string, file: string, clock: Clock, terminal: Terminal): void {
  const kept = `${file}.before-${new Date(clock.now()).toISOString().replaceAll(/[-:]|\..*/g, '')}`;
  writeWhole(kept, old);
  terminal.say(`kept: ${kept}`);
}

const HEADER = `# The Volly bridge's configuration, written by \`volly-bridge setup\`. What is not here has its default: config.sample.yaml
# explains every option, and \`volly-bridge config check\` names every mistake.
`;

/** Only what differs from the defaults. */
export function configText(answers: Answers): string {
  const chosen = [...answers].filter(([name, value]) => value !== optionOf(name).default);
  const sections = Object.entries(treeOf(new Map(chosen)));
  return [HEADER, ...sections.map(([name, section]) => stringify({ [name]: section }))].join('\n');
}

/** A flag that says something else than the file is a mistake, in the one or the other. */
function refuseOthers(config: Config, given: Given, file: string): void {
  for (const name of OPTION_NAMES) {
    const flag = given[name];
    if (flag === undefined) continue;
    const [theirs, wanted] = [valueIn(config, name), asLoaded(name, flagValue(name, flag), config, file)];
    if (theirs !== wanted)
      throw new VollyError('config_exists', `${file} has ${name} ${theirs}, and ${FLAGS[name]} says ${wanted}`);
  }
}

/** The two spellings of an address, and paths, as the loaded configuration has them. */
function asLoaded(name: OptionName, value: Value, { homeserver, gateway }: Config, file: string): unknown {
  if (optionOf(name).path === true) return resolve(dirname(file), String(value));
  const needed: Answers = new Map<OptionName, Value>([
    ['homeserver.server_name', homeserver.server_name],
    ['gateway.public_url', gateway.public_url],
    [name, value],
  ]);
  return valueIn(configSchema.parse(treeOf(needed)), name);
}
