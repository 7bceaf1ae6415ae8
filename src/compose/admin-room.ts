/**
 * The admin room of a running bridge. What may be written there is some of the operator's operations, with the arguments and options that they
 * have on the command line: none that cannot be taken back, and none that lets in what it should not, since homeservers can forge what is
 * written in a room (docs/THREAT-MODEL.md).
 */
import type { Clock } from '../clock.ts';
import { explain, VollyError } from '../errors.ts';
import { bridgeUserOf, type ServerName } from '../ids.ts';
import { type AdminCommands, AdminRoom } from '../matrix/admin-room/admin-room.ts';
import type { HomeserverClient } from '../matrix/client.ts';
import { Transactions } from '../matrix/transactions.ts';
import { type Operation, pathParams } from '../ops/admin/operation.ts';
import { OPERATIONS } from '../ops/admin/operations.ts';
import { type RunOptions, runOperation } from '../ops/admin/run.ts';
import { table } from '../ops/admin/text.ts';
import type { Counters } from '../routing/ports.ts';
import type { Stores } from '../storage/types.ts';

export interface AdminRoomParts extends RunOptions {
  readonly stores: Pick<Stores, 'journal' | 'quarantine' | 'facts'>;
  readonly client: HomeserverClient;
  readonly server: ServerName;
  readonly admins: () => readonly string[];
  readonly clock: Clock;
  readonly counters: Counters;
}

/** Begins with what an earlier run was told and has not handled. `transactions` is for the appservice endpoint. Throws `database`. */
export async function openAdminRoom({ stores, client, server, admins, ports, ...common }: AdminRoomParts): Promise<{
  readonly transactions: Transactions;
  close(): Promise<void>;
}> {
  const commands = roomCommands({ ports, log: common.log });
  const room = new AdminRoom({ ...common, client, bot: bridgeUserOf(server), admins, commands, facts: stores.facts });
  const { journal, quarantine } = stores;
  const transactions = new Transactions({ ...common, journal, quarantine, handle: (events) => room.handle(events) });
  await transactions.start();
  const close = async (): Promise<void> => {
    await room.stop();
    await transactions.stop();
  };
  return { transactions, close };
}

const NAMES = [
  'status',
  'member list',
  'member invite',
  'member suspend',
  'member resume',
  'peer list',
  'peer block',
  'peer allow',
  'quarantine list',
];
const HELP = 'help';
const OFFERED = OPERATIONS.filter(({ name }) => NAMES.includes(name));
const FIRST_WORDS = new Set([HELP, ...OPERATIONS.map(({ name }) => wordsOf(name)[0])]);

export const roomCommands = (run: RunOptions): AdminCommands => ({
  knows: (line) => FIRST_WORDS.has(wordsOf(line)[0]?.toLowerCase()),
  perform: (line) => perform(run, wordsOf(line)),
});

async function perform(run: RunOptions, words: readonly string[]): Promise<string> {
  if (words[0]?.toLowerCase() === HELP) return help();
  const operation = OPERATIONS.find(({ name }) => startsWith(words, name));
  if (!operation) return 'I do not know that. Write help.';
  if (!OFFERED.includes(operation)) return `Not in a room: volly-bridge ${operation.name} on the command line does it.`;
  const params = paramsOf(operation, words.slice(wordsOf(operation.name).length));
  if (!params) return `Write: ${usageOf(operation)}`;
  try {
    return operation.text((await runOperation(run, operation, params, 'room')) as never);
  } catch (error) {
    if (!(error instanceof VollyError)) throw error;
    return error.code === 'bad_request' ? `${explain(error)}\nWrite: ${usageOf(operation)}` : explain(error);
  }
}

function wordsOf(line: string): readonly string[] {
  return line.split(/\s+/).filter((word) => word !== '');
}

/** A telephone begins a line with a capital. */
const startsWith = (words: readonly string[], name: string): boolean =>
  wordsOf(name).every((word, i) => words[i]?.toLowerCase() === word);

/** The path's in its order, then `--name value`, whose two strokes a telephone may make one long one. Undefined where it does not fit. */
function paramsOf(operation: Operation, words: readonly string[]): Readonly<Record<string, string>> | undefined {
  const names = pathParams(operation.path);
  const [given, rest] = [words.slice(0, names.length), words.slice(names.length)];
  if (given.length < names.length || rest.length % 2 !== 0) return undefined;
  const params = names.map((name, i): [string, string] => [name, given[i] as string]);
  for (let i = 0; i < rest.length; i += 2) {
    const name = /^(?:--|—)([a-z]+)$/.exec(rest[i] as string)?.[1];
    if (name === undefined || !optionsOf(operation).includes(name)) return undefined;
    params.push([name, rest[i + 1] as string]);
  }
  return Object.fromEntries(params);
}

const optionsOf = ({ path, params }: Operation): readonly string[] =>
  Object.keys(params.shape).filter((name) => !pathParams(path).includes(name));

const usageOf = (operation: Operation): string =>
  [
    operation.name,
    ...pathParams(operation.path).map((name) => name.toUpperCase()),
    ...optionsOf(operation).map((name) => `[--${name} …]`),
  ].join(' ');

const help = (): string =>
  table(
    ['WRITE', 'TO'],
    OFFERED.map((operation) => [usageOf(operation), operation.summary]),
    '',
  );
