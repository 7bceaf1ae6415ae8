/**
 * `volly-bridge member …`, `device …`, `peer …`, `quarantine …`, `status`: all from the one table of operations. They ask the bridge that runs;
 * an invite or a credential can be made where none does, too.
 */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { codeOf, VollyError } from '../errors.ts';
import { askBridge, type Params } from '../ops/admin/client.ts';
import { type Operation, pathParams } from '../ops/admin/operation.ts';
import { GROUPS, OPERATIONS } from '../ops/admin/operations.ts';
import type { Context } from './context.ts';

interface Options extends Params {
  readonly json?: true;
  readonly yes?: true;
}

export function addOperations(volly: Command, { config }: Context): void {
  const groups = new Map(
    Object.entries(GROUPS).map(([name, description]) => [name, volly.command(name).description(description)]),
  );
  for (const operation of OPERATIONS) {
    const words = operation.name.split(' ');
    add(groups.get(words[0]!) ?? volly, words.at(-1)!, operation, config);
  }
}

function add(group: Command, word: string, operation: Operation, config: () => Config): void {
  const { summary, notes, path, params, asks } = operation;
  const names = pathParams(path);
  const command = group
    .command(word)
    .description(notes === undefined ? summary : `${summary}\n\n${notes}`)
    .summary(summary);
  const describe = (name: string): string => params.shape[name]?.meta()?.description ?? '';
  for (const name of names) command.argument(`<${name}>`, describe(name));
  for (const name of Object.keys(params.shape)) if (!names.includes(name)) command.option(`--${name} <${name}>`, describe(name));
  command.option('--json', 'everything, for programs');
  if (asks !== undefined) command.option('--yes', 'do it without asking');
  command.action(async (...given: unknown[]) => {
    const { json, yes, ...options } = command.opts<Options>();
    const values = { ...Object.fromEntries(names.map((name, i) => [name, given[i]])), ...options };
    if (asks !== undefined && yes !== true) await confirm(asks, Object.values(values).join(' '));
    const result = await perform(config(), operation, values);
    console.log(json ? JSON.stringify(result, null, 2) : operation.text(result as never));
  });
}

async function perform(config: Config, operation: Operation, params: Params): Promise<unknown> {
  try {
    return await askBridge(config.admin, operation, params);
  } catch (error) {
    if (codeOf(error) !== 'not_running' || operation.offline !== true) throw error;
    const { performOffline } = await import('../compose/members.ts');
    return performOffline(config, operation, params);
  }
}

/** Throws `not_confirmed`, also where nobody can be asked. */
async function confirm(asks: string, what: string): Promise<void> {
  if (process.stdin.isTTY !== true) throw new VollyError('not_confirmed', '--yes does it without a terminal');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${asks}\nWrite ${what} to go on: `);
    if (answer.trim() !== what) throw new VollyError('not_confirmed');
  } finally {
    terminal.close();
  }
}
