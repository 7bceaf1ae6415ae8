/**
 * Runs checks: all at once, each as soon as the ones it needs have said something, and tells of them in the order of the list. A check whose
 * need has failed is not tried, so that one cause is named once.
 */
import { printable } from '../printable.ts';
import { CHECKS, type CheckName } from './catalogue.ts';
import type { Finding, Outcome } from './finding.ts';
import { TROUBLES } from './troubles.ts';

/** A check has this long once what it needs is known. Longer than the requests in it, so that they can say what they waited for. */
const DEADLINE_MS = 12_000;

export interface Check<T = unknown> {
  readonly name: CheckName;
  readonly subject?: string;
  readonly needs: readonly Check[];
  readonly deadlineMs: number;
  readonly run: (values: readonly unknown[], signal: AbortSignal) => Promise<Outcome<T>>;
}

type ValuesOf<Needs extends readonly Check[]> = { readonly [K in keyof Needs]: Needs[K] extends Check<infer T> ? T : never };

interface Definition<Needs extends readonly Check[], T> {
  readonly name: CheckName;
  readonly subject?: string;
  readonly needs: Needs;
  readonly deadlineMs?: number;
  /** `signal` aborts at the deadline. What it throws is a bug. */
  readonly run: (values: ValuesOf<Needs>, signal: AbortSignal) => Outcome<T> | Promise<Outcome<T>>;
}

/** `run` is given the values of `needs`, in their order. */
export function check<const Needs extends readonly Check[], T>({ run, ...about }: Definition<Needs, T>): Check<T> {
  return { deadlineMs: DEADLINE_MS, ...about, run: async (values, signal) => run(values as ValuesOf<Needs>, signal) };
}

export interface RunOptions {
  /** Mend what is safe to mend. */
  readonly fix?: boolean;
  /** Hears the title of the check that is told next. */
  readonly waiting?: (title: string) => void;
}

/** One finding for each check, in the order of the list. Checks that it needs and that are not in it are run and not told of. */
export async function* runChecks(checks: readonly Check[], { fix = false, waiting }: RunOptions = {}): AsyncIterable<Finding> {
  const running = new Map<Check, Promise<Told>>();
  const start = (one: Check): Promise<Told> => {
    const known = running.get(one) ?? attempt(one, Promise.all(one.needs.map(start)), fix);
    running.set(one, known);
    return known;
  };
  checks.forEach(start);
  for (const one of checks) {
    waiting?.(titleOf(one));
    yield findingOf(await start(one));
  }
}

interface Told {
  readonly check: Check;
  readonly outcome: Outcome<unknown>;
  readonly fixed?: string;
  /** The check at the root of why nothing can be built on this one. */
  readonly broken?: Check;
}

async function attempt(one: Check, needed: Promise<readonly Told[]>, fix: boolean): Promise<Told> {
  const needs = await needed;
  const broken = needs.find((need) => need.broken !== undefined)?.broken;
  if (broken !== undefined)
    return { check: one, broken, outcome: { result: 'skipped', found: `not tried: ${titleOf(broken)} comes first` } };
  const values = needs.map(({ outcome }) => ('value' in outcome ? outcome.value : undefined));
  const first = await bounded(one, values);
  const mend = 'fix' in first ? first.fix : undefined;
  if (!fix || mend === undefined) return tell(one, first);
  let fixed: string;
  try {
    fixed = mend();
  } catch (error) {
    fixed = `could not be mended (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
  return { ...tell(one, await bounded(one, values)), fixed };
}

const tell = (one: Check, outcome: Outcome<unknown>): Told => ({
  ...{ check: one, outcome },
  ...('value' in outcome ? {} : { broken: one }),
});

async function bounded(one: Check, values: readonly unknown[]): Promise<Outcome<unknown>> {
  const abort = new AbortController();
  const late = Promise.withResolvers<Outcome<unknown>>();
  const timer = setTimeout(() => {
    abort.abort();
    late.resolve({ result: 'failed', code: 'check_timed_out', found: `no end within ${one.deadlineMs / 1_000} s` });
  }, one.deadlineMs);
  try {
    return await Promise.race([one.run(values, abort.signal), late.promise]);
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    return { result: 'failed', code: 'check_broke', found: `${name}: ${(error as { code?: unknown })?.code ?? 'no code'}` };
  } finally {
    clearTimeout(timer);
  }
}

const titleOf = ({ name, subject }: Check): string => `${CHECKS[name].title}${subject === undefined ? '' : ` ${subject}`}`;

/** A line of a terminal is a tenth of it. */
const FOUND_CHARACTERS = 2_000;
const shown = (text: string): string => printable(text, FOUND_CHARACTERS);

/** Much of what is found are words of other servers: none of them writes to the terminal. */
function findingOf({ check: one, outcome, fixed }: Told): Finding {
  const { result } = outcome;
  const trouble = 'code' in outcome ? { code: outcome.code, ...TROUBLES[outcome.code] } : {};
  return {
    ...{ check: one.name, title: titleOf(one), result, found: shown(outcome.found) },
    ...(one.subject === undefined ? {} : { subject: one.subject }),
    ...('details' in outcome && outcome.details !== undefined ? { details: outcome.details.map(shown) } : {}),
    ...trouble,
    ...(fixed === undefined ? {} : { fixed: shown(fixed) }),
  };
}
