/** `volly-bridge setup` */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Given } from '../ops/setup/form.ts';
import { explain, FLAGS, OPTION_NAMES, type OptionName, optionOf } from '../ops/setup/options.ts';
import { quoted } from '../ops/setup/texts.ts';
import type { Context } from './context.ts';

/** Long enough to find the file, write the lines, and ask whoever may restart the homeserver. */
const WAIT_SECONDS = 600;

export function addSetup(volly: Command, { version, file }: Context): void {
  const setup = volly
    .command('setup')
    .description('set this bridge up: asks, writes configuration and registration, and waits until the homeserver knows it');
  for (const option of OPTIONS.values()) setup.addOption(option);
  setup
    .option('--non-interactive', 'ask nothing: what has no flag has its default; so without a terminal')
    .option('--wait <seconds>', 'how long the restart of the homeserver is waited for', seconds, WAIT_SECONDS)
    .option('--no-wait', 'do not wait')
    .option('--force', 'write over a configuration that is there')
    .action((flags: Flags) => run(flags, file(), version));
}

type Flags = Readonly<Record<string, unknown>> & {
  readonly nonInteractive?: boolean;
  readonly wait: number | false;
  readonly force?: boolean;
};

const OPTIONS: ReadonlyMap<OptionName, Option> = new Map(
  OPTION_NAMES.map((name) => {
    const isSwitch = typeof optionOf(name).default === 'boolean';
    return [name, new Option(isSwitch ? FLAGS[name] : `${FLAGS[name]} <value>`, explain(name))];
  }),
);

async function run(
  { wait, force = false, nonInteractive = false, ...flags }: Flags,
  file: string,
  version: string,
): Promise<void> {
  const given: Partial<Record<OptionName, string | true>> = {};
  for (const [name, option] of OPTIONS) {
    const value = flags[option.attributeName()] as string | true | undefined;
    // Typed in a shell, a path is relative to where that stands, and in the file to the file.
    if (value !== undefined) given[name] = optionOf(name).path === true && value !== '' ? resolve(String(value)) : value;
  }
  const { setUpBridge } = await import('../compose/setup.ts');
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const command = file === 'config.yaml' ? 'volly-bridge' : `volly-bridge --config ${quoted(file)}`;
  const waitMs = wait === false ? undefined : wait * 1_000;
  const options = { file: resolve(file), given: given as Given, force, waitMs, command };
  if (!(await setUpBridge(options, version, isTerminal && !nonInteractive))) process.exitCode = 1;
}

function seconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A whole number of seconds is needed.');
  return Number(text);
}
