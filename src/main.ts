/** The command line. A failure is one line, `error code: cause — cure`, and an exit code that is not 0. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { systemRandom } from './clock.ts';
import { checkConfigFile, loadConfig } from './config/load.ts';
import { loadRegistration, writeRegistration } from './config/registration-file.ts';
import type { Config } from './config/schema.ts';
import { ERRORS, VollyError } from './errors.ts';
import { parseLocalpart } from './ids.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** `argv` as Node gives it. Resolves when the command is over; `start` runs until a signal. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    fail(error);
  }
}

function program(): Command {
  const volly = new Command('volly-bridge')
    .description('Carries sealed call signalling between Volly communities over Matrix')
    .version(version)
    .option('-c, --config <file>', 'the configuration file', 'config.yaml')
    .showHelpAfterError('Try `volly-bridge --help`.');
  const config = () => loadConfig(volly.opts<{ config: string }>().config);

  volly
    .command('start')
    .description('run the bridge until SIGTERM or SIGINT')
    .action(() => start(config()));
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
  volly
    .command('status')
    .option('--json', 'everything, for programs')
    .description('show how the running bridge, its homeserver and its peers are')
    .action((options: { json?: boolean }) => status(config(), options));
  const member = volly.command('member').description('members of this community');
  member
    .command('invite')
    .argument('<name>', 'as alice, or alice@orchid.example')
    .description('make an invite that lets one app enrol as this member')
    .action((name: string) => admit('inviteMember', config(), name));
  member
    .command('legacy')
    .argument('<name>', 'as alice, or alice@orchid.example')
    .description('make the credential of a member whose app cannot encrypt; one made before ends')
    .action((name: string) => admit('legacyCredential', config(), name));
  return volly;
}

async function start(config: Config): Promise<void> {
  const { startBridge } = await import('./compose.ts');
  const bridge = await startBridge(config, version);
  const stopped = (['SIGTERM', 'SIGINT'] as const).map((name) => once(process, name));
  const failure = await Promise.race([bridge.failed, ...stopped]);
  await bridge.stop();
  if (failure instanceof VollyError) throw failure;
}

async function status(config: Config, { json = false }: { json?: boolean }): Promise<void> {
  const [{ askStatus }, { statusPage }] = await Promise.all([import('./ops/ask-status.ts'), import('./ops/status-page.ts')]);
  const now = await askStatus({ listen: config.appservice.listen, hsToken: loadRegistration(config).hs_token });
  console.log(json ? JSON.stringify(now, null, 2) : statusPage(now));
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

/** Prints the one copy of what lets an app in. */
async function admit(make: 'inviteMember' | 'legacyCredential', config: Config, name: string): Promise<void> {
  const suffix = `@${config.homeserver.server_name}`;
  const localpart = parseLocalpart(name.endsWith(suffix) ? name.slice(0, -suffix.length) : name);
  const compose = await import('./compose.ts');
  console.log(await compose[make](config, localpart));
}

/** What is no VollyError is a bug: then the stack is what helps. */
function fail(error: unknown): void {
  if (error instanceof VollyError) {
    const detail = error.message.slice(error.code.length + 2);
    const { cause, cure } = ERRORS[error.code];
    console.error(`error ${error.code}: ${detail === '' ? cause : `${cause.replace(/\.$/, '')}: ${detail}`} — ${cure}`);
  } else console.error(error);
  process.exitCode = 1;
}
