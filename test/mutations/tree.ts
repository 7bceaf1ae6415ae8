/** What of the repository the mutation records and the tests they speak of are read from. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutations.ts';

export const ROOT = new URL('../../', import.meta.url).pathname;

/** Tests on real Synapses take too long here, and these files quote titles themselves. */
const NOT_SEARCHED = /^(?:federation|mutations)\//;
/** A suite's title begins those of its tests. */
const TITLE = /\b(?:it|describe)\(\s*['"`](R\d+) /g;

/** Requirement → the test files with a title that begins with it, from the top of the repository. */
export function filesByRequirement(root: string = ROOT): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of tests.filter((name) => name.endsWith('.test.ts') && !NOT_SEARCHED.test(name)).sort())
    for (const [, requirement] of readFileSync(join(root, 'test', file), 'utf8').matchAll(TITLE))
      found.set(requirement!, (found.get(requirement!) ?? new Set()).add(`test/${file}`));
  return new Map([...found].map(([requirement, files]) => [requirement, [...files]]));
}

export interface Place {
  /** From 1. */
  readonly line: number;
  /** The whole file with the change made. */
  readonly changed: string;
}

/** Throws an Error that says how the record no longer fits the source. */
export function place({ file, find, replace }: Pick<Mutation, 'file' | 'find' | 'replace'>, root: string = ROOT): Place {
  if (/[\r\n]/.test(find + replace)) throw new Error(`${file}: a recorded change is within one line`);
  const text = readFileSync(join(root, file), 'utf8');
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file}: a line must hold this once, ${after === undefined ? 'none does' : 'several do'}: ${find}`);
  return { line: before.split('\n').length, changed: before + replace + after };
}
