/** What the tests of the packaging share: the files as they stand, and the tools that judge them, where they are installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { checkConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';

export const root = new URL('../..', import.meta.url).pathname;
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
export const readYaml = (path: string) => parse(read(path));

/** What the image's configuration becomes with these variables. Throws with what is wrong. */
export function configOf(env: Readonly<Record<string, string>>): Config {
  const checked = checkConfig(read('deploy/docker/config.yaml'), '/app/config.yaml', env);
  if ('config' in checked) return checked.config;
  throw new Error(checked.problems.join('\n'));
}

/** The defaults of a bridge that is not in a container. */
export function defaults(): Config {
  const checked = checkConfig('homeserver: {server_name: o.example}\ngateway: {public_url: wss://o.example}\n', '/c.yaml');
  if ('config' in checked) return checked.config;
  throw new Error(checked.problems.join('\n'));
}

export interface Judged {
  readonly status: number | null;
  readonly output: string;
}

export function judge(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Judged {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  return { status, output: `${stdout}${stderr}` };
}

/** Skips the test, with the reason, where `args` of the tool do not work here. */
export function needs(test: Mocha.Context, command: string, ...args: readonly string[]): void {
  if (judge(command, args).status === 0) return;
  console.log(`      skipped: \`${[command, ...args].join(' ')}\` does not work on this machine`);
  test.skip();
}
