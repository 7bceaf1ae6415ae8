/**
 * A first run, step by step: what is found, the files, the homeserver's lines, its restart, the doctor, what is next. Every step looks whether
 * it is done already, so the same command again goes on where an earlier run ended.
 */
import type { Clock, RandomBytes } from '../../clock.ts';
import { writeRegistration } from '../../config/registration-file.ts';
import type { Config } from '../../config/schema.ts';
import { VollyError } from '../../errors.ts';
import { configure, type Wanted } from './configure.ts';
import type { Surroundings } from './gather.ts';
import type { Terminal } from './terminal.ts';
import { tellHomeserver, whatIsNext, whatToCheck } from './texts.ts';
import { notYet, waitUntilKnown } from './wait.ts';

export interface SetupOptions extends Wanted {
  /** How long the restart of the homeserver is waited for; undefined = not at all. */
  readonly waitMs: number | undefined;
  /** How this program is called, for what is next: `volly-bridge`, with its `--config` where it needs one. */
  readonly command: string;
}

export interface SetupWorld extends Surroundings {
  readonly terminal: Terminal;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** Resolves when the homeserver knows the bridge by the registration that is written. Throws VollyError. */
  readonly isKnown: (config: Config) => Promise<void>;
  /** Tells what it finds, and whether all is well. */
  readonly examine: () => Promise<boolean>;
}

/** False where the doctor found something. Throws VollyError where a step cannot be done. */
export async function setUp(options: SetupOptions, world: SetupWorld): Promise<boolean> {
  const { terminal, clock } = world;
  const say = (text: string): void => terminal.say(text);
  const config = await configure(options, terminal, world).finally(() => terminal.close());
  const { registration } = config.appservice;
  const done = writeRegistration(config, world.random);
  say(`${registration}: ${done}`);
  if (done === 'updated') say('  Its copy, if there is one, must be renewed, and the homeserver be restarted.');

  const { serverName, software } = await world.look(config.homeserver.url);
  const { url, server_name: name } = config.homeserver;
  if (serverName !== undefined && serverName !== name)
    throw new VollyError(
      'bad_config',
      `${options.file}: homeserver.server_name is ${name}; the homeserver at ${url} is ${serverName}`,
    );

  const attempt = (): Promise<void> => world.isKnown(config);
  if ((await notYet(attempt)) !== undefined) {
    say(tellHomeserver({ registration, software }));
    if (options.waitMs === undefined) {
      say('When that is done, the same command again goes on from here.');
      return true;
    }
    try {
      await waitUntilKnown({ attempt, clock, waitMs: options.waitMs, say });
    } catch (error) {
      say(whatToCheck({ registration, software }, config));
      throw error;
    }
  }
  say('The homeserver knows this bridge.\n');
  const isWell = await world.examine();
  say(whatIsNext(config, isWell, options.command));
  return isWell;
}
