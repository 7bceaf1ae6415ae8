/**
 * `node test/mutations/run.ts [R7 …]` shows that the tests of R1–R14 hold what they say: in a copy of the working tree, the tests of a
 * requirement are green, and red with each change recorded for it in mutations.ts. Prints a table; exits 1 when a change goes unnoticed.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUTATIONS, type Mutation, REQUIREMENTS } from './mutations.ts';
import { filesByRequirement, place, ROOT } from './tree.ts';

/** A change may make a test wait for what never comes. */
const MAX_MS = 120_000;
const COPIED = ['src', 'test', 'package.json', '.mocharc.json', 'tsconfig.json'];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Tests did not run at all: the source does not load, a hook failed, or mocha did not end. */
  readonly broken?: string;
}

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volly-mutations-'));
  // Synchronous, so that an interrupted run leaves nothing behind.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

/** The tests whose own title begins with the requirement; `R1 ` is not `R10 `. */
function test(folder: string, requirement: string, files: readonly string[]): Outcome {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const mocha = join(folder, 'node_modules/mocha/bin/mocha.js');
  const args = [mocha, '--grep', `(^| )${requirement} `, '--reporter', 'json', '--reporter-option', `output=${report}`, ...files];
  const { stderr, error } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: MAX_MS });
  let results: { passes: unknown[]; failures: { title: string }[] };
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, broken: error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no report' };
  }
  const hook = results.failures.find(({ title }) => title.startsWith('"'));
  const counts = { passed: results.passes.length, failed: results.failures.length };
  return hook ? { ...counts, broken: `${hook.title} failed` } : counts;
}

function tryOut(folder: string, mutation: Mutation, files: readonly string[], green: Outcome): string | undefined {
  const file = join(folder, mutation.file);
  const original = readFileSync(file, 'utf8');
  writeFileSync(file, place(mutation, folder).changed);
  const red = test(folder, mutation.requirement, files);
  writeFileSync(file, original);
  if (red.broken !== undefined) return `does not run: ${red.broken}`;
  if (red.passed + red.failed !== green.passed) return `${red.passed + red.failed} tests ran instead of ${green.passed}`;
  return red.failed > 0 ? undefined : 'nobody noticed';
}

function main(wanted: readonly string[]): boolean {
  const folder = copyTree();
  const tests = filesByRequirement(folder);
  let good = true;
  const row = (...cells: readonly string[]): void =>
    console.log([4, 5, 5, 44].map((width, i) => (cells[i] ?? '').padEnd(width)).join('  ') + (cells[4] ?? ''));
  row('', 'tests', 'red', 'change', 'without it');
  for (const requirement of wanted) {
    const files = tests.get(requirement) ?? [];
    const mutations = MUTATIONS.filter((one) => one.requirement === requirement);
    const green = files.length > 0 ? test(folder, requirement, files) : { passed: 0, failed: 0 };
    const problem =
      green.broken ??
      (green.failed > 0 ? `${green.failed} tests fail without any change` : undefined) ??
      (green.passed === 0 ? `no test has a title that begins with ${requirement}` : undefined) ??
      (mutations.length === 0 ? 'no change is recorded' : undefined);
    if (problem !== undefined) {
      good = false;
      row(requirement, String(green.passed), 'FAIL', problem);
      continue;
    }
    for (const mutation of mutations) {
      const { line } = place(mutation, folder);
      const unnoticed = tryOut(folder, mutation, files, green);
      good &&= unnoticed === undefined;
      const where = `${mutation.file}:${line}`;
      row(requirement, String(green.passed), unnoticed === undefined ? 'yes' : 'FAIL', where, `${unnoticed ?? mutation.why}`);
    }
  }
  return good;
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !REQUIREMENTS.includes(name));
if (unknown !== undefined) {
  console.error(`usage: node test/mutations/run.ts [R1 … R14]; ${unknown} is none of them`);
  process.exit(2);
}
process.exitCode = main(wanted.length > 0 ? wanted : REQUIREMENTS) ? 0 : 1;
