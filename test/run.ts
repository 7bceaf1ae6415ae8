/**
 * `npm run verify`, `npm run test:federation`, `npm run test:dendrite` and `npm test`: runs the named parts in order, all of them even when
 * one fails, and ends with one plain line that counts every test of every part. A part that could not run at all counts as one failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The longest part takes a fifth of it: one that hangs is a failure that is told, and not a run without an end. */
const PART_MS = 30 * 60_000;

const root = new URL('..', import.meta.url).pathname;
const bin = (name: string) => join(root, 'node_modules', '.bin', name);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };

function run(title: string, command: string, args: string[], env: NodeJS.ProcessEnv = {}): boolean {
  const started = performance.now();
  console.log(`\n── ${title}`);
  const { status, error } = spawnSync(command, args, {
    ...{ cwd: root, stdio: 'inherit', timeout: PART_MS },
    env: { ...process.env, ...env },
  });
  if (error)
    console.error('code' in error && error.code === 'ETIMEDOUT' ? `not over after ${PART_MS / 60_000} min` : error.message);
  console.log(`── ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

function check(title: string, command: string, args: string[]): void {
  total[run(title, command, args) ? 'passed' : 'failed'] += 1;
}

const mocha = (title: string, args: string[]): void =>
  counted(title, bin('mocha'), ['--reporter', join(root, 'test/support/reporter.ts'), ...args]);

/** What leaves its counts where `VOLLY_TEST_COUNTS` says. */
function counted(title: string, command: string, args: string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'volly-test-'));
  const file = join(folder, 'counts.json');
  const ok = run(title, command, args, { VOLLY_TEST_COUNTS: file });
  let counts: Counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch {
    console.error(`${title}: ended without counts`);
  }
  if (!ok && counts.failed === 0) counts.failed = 1;
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  if (title === 'federation tests on real Synapses')
    console.log(`federation tests that ran on real Synapses: ${counts.passed + counts.failed}`);
  rmSync(folder, { recursive: true });
}

const parts: Record<string, () => void> = {
  verify() {
    check('types', bin('tsc'), ['--noEmit']);
    check('lint and format', bin('biome'), ['check', '--error-on-warnings']);
    check('generated files unchanged', bin('node'), ['src/config/generate.ts', '--check']);
    check('generated files of ops/ unchanged', bin('node'), ['src/ops/generate.ts', '--check']);
    check('AsyncAPI document unchanged', bin('node'), ['docs/asyncapi/generate.ts', '--check']);
    check('test vectors unchanged', bin('node'), ['test/vectors/generate.ts', '--check']);
    mocha('unit and scenario tests', ['--ignore', 'test/federation/**', 'test/**/*.test.ts']);
    check('random schedules of the reliable layer', bin('node'), ['test/model/run.ts']);
    check('random schedules find each recorded change', bin('node'), ['test/model/mutants.ts']);
    check('recorded changes turn the tests of R1 to R14 red', bin('node'), ['test/mutations/run.ts']);
  },
  federation() {
    const ours = ['--ignore', 'test/federation/dendrite/**', 'test/federation/**/*.test.ts'];
    mocha('federation tests on real Synapses', ['--timeout', '180000', ...ours]);
  },
  dendrite() {
    // Its first run on a machine builds Dendrite, about 2 minutes.
    mocha('between a Synapse and a Dendrite', ['--timeout', '600000', 'test/federation/dendrite/**/*.test.ts']);
  },
  faults() {
    counted('faults, in their short form', bin('node'), ['test/faults/run.ts', '--short']);
  },
};

const wanted = process.argv.slice(2);
if (wanted.length === 0 || wanted.some((name) => !parts[name])) {
  console.error(`usage: node test/run.ts ${Object.keys(parts).join(' | ')}`);
  process.exit(2);
}
for (const name of wanted) parts[name]?.();
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed === 0 ? 0 : 1;
