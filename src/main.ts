/** The command line. A failure is one line, `error code: cause — cure`, and an exit code that is not 0. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addBackup } from './commands/backup.ts';
import { addConfig } from './commands/config.ts';
import { addDoctor } from './commands/doctor.ts';
import { addKey } from './commands/key.ts';
import { addOperations } from './commands/operations.ts';
import { addSetup } from './commands/setup.ts';
import { addStart } from './commands/start.ts';
import { loadConfig } from './config/load.ts';
import { explain, VollyError } from './errors.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** `argv` as Node gives it. Resolves when the command is over; `start` runs until a signal. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    fail(error);
  }
}

/** In the order of `--help`. */
const COMMANDS = [addSetup, addStart, addConfig, addDoctor, addOperations, addKey, addBackup];

function program(): Command {
  const volly = new Command('volly-bridge')
    .description('Carries sealed call signalling between Volly communities over Matrix')
    .version(version)
    .option('-c, --config <file>', 'the configuration file', 'config.yaml');
  const file = () => volly.opts<{ config: string }>().config;
  const config = () => loadConfig(file());
  for (const add of COMMANDS) add(volly, { version, file, config });
  return leadToHelp(volly, volly.name());
}

/** What was not understood leads to the help of its own command. */
function leadToHelp(command: Command, name: string): Command {
  for (const one of command.commands) leadToHelp(one, `${name} ${one.name()}`);
  return command.showHelpAfterError(`Try \`${name} --help\`.`);
}

/** What is no VollyError is a bug: then the stack is what helps. */
function fail(error: unknown): void {
  console.error(error instanceof VollyError ? `error ${explain(error)}` : error);
  process.exitCode = 1;
}
