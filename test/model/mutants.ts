/**
 * `node test/model/mutants.ts`: that the model can fail. In a copy of the tree each recorded change of changes.ts is made, and schedules run
 * until one breaks an invariant. Prints how many it took; exits 1 when a change goes unnoticed.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { place, ROOT } from '../mutations/tree.ts';
import { runBatches } from './batch.ts';
import { CHANGES, type Change } from './changes.ts';

/** A change that is not found in so many is one that the model cannot find. */
const MOST_SEEDS = 4_000;
const COPIED = ['src', 'test/model', 'test/support', 'package.json'];

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volly-mutants-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

/** The first seed that finds it, with what it found; or how it was not found. */
async function find(folder: string, change: Change): Promise<{ readonly seed: number; readonly what: string } | string> {
  const file = join(folder, change.file);
  const original = readFileSync(file, 'utf8');
  writeFileSync(file, place(change, folder).changed);
  try {
    const { failed } = await runBatches({
      from: 1,
      count: MOST_SEEDS,
      threads: availableParallelism(),
      worker: pathToFileURL(join(folder, 'test/model/thread.ts')),
      goOn: (totals) => totals.failed.length === 0,
    });
    return failed[0] ? { seed: failed[0].seed, what: failed[0].violations[0]! } : `not found by ${MOST_SEEDS} schedules`;
  } catch (error) {
    return `does not run: ${(error as Error).message}`;
  } finally {
    writeFileSync(file, original);
  }
}

const folder = copyTree();
const wanted = process.argv.slice(2);
for (const change of CHANGES.filter(({ why }) => wanted.every((word) => why.includes(word)))) {
  const found = await find(folder, change);
  if (typeof found === 'string') process.exitCode = 1;
  const seed = typeof found === 'string' ? 'FAIL' : String(found.seed);
  console.log(`${seed.padStart(5)}  ${change.why} (${change.file})\n       ${typeof found === 'string' ? found : found.what}`);
}
