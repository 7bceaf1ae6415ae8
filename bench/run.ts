/** `npm run bench`: runs the benchmarks and prints what they found beside the targets. It judges and asserts nothing: exit 0 means that all of it ran. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isMet, type Progress, type Row } from './rows.ts';

const HELP = `usage: npm run bench -- [options]

  --only B1,B7     only these (of B1, B6, B7)
  --rounds N       rounds of each; 5 unless told otherwise, and never fewer for what is timed
  --json FILE      also as a list of {id, measure, value, target, better, rounds}
  --help           this

B1  call set-up through two bridges and two real Synapses ÷ the bare to-device round trip (some two minutes)
B6  bytes of a call ÷ the keys, signatures and bodies in it
B7  crypto of a call and of a gateway handshake ÷ the same primitives called bare
Times are ratios of medians, both sides in turn. A busy machine makes them uncertain: look at several runs.`;

interface Bench {
  run(rounds: number, progress: Progress): Promise<Row[]>;
}
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  B1: () => import('./b1-setup.ts'),
  B6: () => import('./b6-bytes.ts'),
  B7: () => import('./b7-crypto.ts'),
};

interface Options {
  readonly ids: readonly string[];
  readonly rounds: number;
  readonly json: string | undefined;
}

/** Undefined where only help was asked for. Throws an Error with one line for the user. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) return undefined;
  const ids = values.only?.split(',').map((id) => id.trim().toUpperCase()) ?? Object.keys(BENCHES);
  const unknown = ids.find((id) => !BENCHES[id]);
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown || 'benchmark without a name'}`);
  const rounds = Number(values.rounds ?? 5);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new Error('--rounds: a whole number from 1 to 1000');
  return { ids, rounds, json: values.json };
}

function table(rows: readonly Row[]): string {
  const head = ['', 'measure', 'value', 'target', '', 'rounds', ''];
  const cells = rows.map((row) => [
    row.id,
    row.measure,
    row.value.toFixed(2),
    `${row.better === 'lower' ? '≤' : '≥'} ${row.target.toFixed(2)}`,
    isMet(row) ? 'met' : 'MISSED',
    String(row.rounds),
    row.note,
  ]);
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((cell) => cell[i]!.length)));
  const lines = [head, ...cells].map((cell) =>
    cell
      .map((text, i) => text.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0], '─'.repeat(Math.max(...lines.map((line) => line.length))), ...lines.slice(1)].join('\n');
}

async function main({ ids, rounds, json }: Options): Promise<void> {
  const rows: Row[] = [];
  const progress: Progress = (line) => console.error(line);
  for (const id of ids) rows.push(...(await (await BENCHES[id]!()).run(rounds, progress)));
  console.log(`\n${table(rows)}`);
  if (json === undefined) return;
  const list = rows.map(({ note, ...row }) => row);
  await writeFile(json, `${JSON.stringify(list, null, 2)}\n`);
}

try {
  const options = readOptions();
  if (options) await main(options);
  else console.log(HELP);
} catch (error) {
  const known =
    error instanceof Error && ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') || /^--/.test(error.message));
  console.error(known ? `${(error as Error).message}\n\n${HELP}` : error);
  process.exitCode = known ? 2 : 1;
}
