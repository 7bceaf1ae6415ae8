/** `volly-bridge config …` and `volly-bridge registration`: files, and no running bridge. */
import type { Command } from 'commander';
import { systemRandom } from '../clock.ts';
import { checkConfigFile } from '../config/load.ts';
import { writeRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import type { Context } from './context.ts';

export function addConfig(volly: Command, { config }: Context): void {
  volly
    .command('registration')
    .description('write the file that tells the homeserver of this bridge, with new tokens if it has none')
    .action(() => registration(config()));
  volly
    .command('config')
    .description('look at configuration files')
    .command('check')
    .argument('<file>')
    .description('name every mistake in a configuration file')
    .action(check);
}

function registration(config: Config): void {
  const done = writeRegistration(config, systemRandom);
  console.log(`${config.appservice.registration}: ${done}`);
  if (done !== 'unchanged') console.log('Name it under app_service_config_files in homeserver.yaml and restart the homeserver.');
}

function check(file: string): void {
  const checked = checkConfigFile(file);
  if ('config' in checked) {
    console.log(`${file}: good`);
    return;
  }
  for (const problem of checked.problems) console.error(`error bad_config: ${problem}`);
  process.exitCode = 1;
}
