/** `volly-bridge config …` and `volly-bridge registration`: files, and no running bridge. */
import type { Command } from 'commander';
import { systemRandom } from '../clock.ts';
import { type Checked, checkConfigFile } from '../config/load.ts';
import { writeRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import { shownConfig } from '../config/show.ts';
import type { Context } from './context.ts';

export function addConfig(volly: Command, { config, file }: Context): void {
  volly
    .command('registration')
    .description('write the file that tells the homeserver of this bridge, with new tokens if it has none')
    .action(() => registration(config()));
  const look = volly.command('config').description('look at configuration files');
  look
    .command('check')
    .argument('[file]', 'instead of the one that --config names')
    .description('name every mistake in a configuration file, and in the variables that override it')
    .action((other?: string) => check(other ?? file()));
  look
    .command('show')
    .description('print the configuration that holds, with its defaults and what variables override')
    .action(() => show(file()));
}

function registration(config: Config): void {
  const done = writeRegistration(config, systemRandom);
  console.log(`${config.appservice.registration}: ${done}`);
  if (done !== 'unchanged') console.log('Name it under app_service_config_files in homeserver.yaml and restart the homeserver.');
}

function check(file: string): void {
  if (good(file) !== undefined) console.log(`${file}: good`);
}

function show(file: string): void {
  const checked = good(file);
  if (checked !== undefined) process.stdout.write(shownConfig(checked.config, checked.overrides));
}

/** Undefined, after every mistake was named. */
function good(file: string): Extract<Checked, { config: Config }> | undefined {
  const checked = checkConfigFile(file);
  if ('config' in checked) return checked;
  for (const problem of checked.problems) console.error(`error bad_config: ${problem}`);
  process.exitCode = 1;
  return undefined;
}
