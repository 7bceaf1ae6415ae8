/** `volly-bridge doctor` */
import { type Command, InvalidArgumentError } from 'commander';
import { isServerName, type ServerName } from '../ids.ts';
import type { Finding } from '../ops/doctor/finding.ts';
import { findingLines, summary } from '../ops/doctor/page.ts';
import type { Context } from './context.ts';

const FAILURES = 1;
const USAGE = 2;

interface Flags {
  readonly peer: readonly ServerName[];
  readonly fix?: boolean;
  readonly json?: boolean;
}

export function addDoctor(volly: Command, { version, file }: Context): void {
  volly
    .command('doctor')
    .description('find out what is wrong with this bridge, its homeserver and its federation, and how to mend it')
    .option('--peer <server>', 'look at this community too; may be given again', peers, [])
    .option('--fix', 'mend what is safe to mend: rights of files with secrets, missing folders')
    .option('--json', 'for programs')
    .addHelpText('after', '\nEnds with 0 where nothing failed, with 1 where something did, with 2 where it was not understood.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
    .action((flags: Flags) => doctor(flags, file(), version));
}

async function doctor({ peer, fix = false, json = false }: Flags, configFile: string, version: string): Promise<void> {
  const { examine } = await import('../compose/doctor.ts');
  const findings: Finding[] = [];
  const line = process.stderr.isTTY && !json ? WAITING_LINE : NO_LINE;
  for await (const finding of examine({ configFile, version, peers: peer, fix, waiting: line.show })) {
    line.clear();
    findings.push(finding);
    if (!json) console.log(findingLines(finding));
  }
  console.log(json ? JSON.stringify({ version, findings }, null, 2) : `\n${summary(findings)}`);
  if (findings.some(({ result }) => result === 'failed')) process.exitCode = FAILURES;
}

function peers(text: string, before: readonly ServerName[]): readonly ServerName[] {
  if (!isServerName(text)) throw new InvalidArgumentError('A server name is needed, as iris.example.');
  return [...before, text];
}

/** Shows, on a terminal alone, which slow check is under way. */
const WAITING_LINE = {
  show: (title: string): void => void process.stderr.write(`… ${title}`),
  clear: (): void => void process.stderr.write('\r\x1b[K'),
};
const NO_LINE = { show: (): void => {}, clear: (): void => {} };
