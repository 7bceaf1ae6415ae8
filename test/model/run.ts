/**
 * `npm run test:model`: the reliable layer against random schedules of crashes, losses, repeats, cuts and restored backups, in simulated time.
 * A schedule is drawn from its seed, a number; `--seed N` runs that one again and shows all of it.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runBatches, type Totals } from './batch.ts';
import { runSchedule } from './run-schedule.ts';

const HELP = `usage: npm run test:model -- [options]
  --seeds N    how many schedules (10000)
  --from K     the first seed (1)
  --minutes M  go on with seeds for so long, instead of --seeds
  --threads T  (one a processor)
  --seed K     only this one, with everything that happens in it
  --help`;

/** Seeds printed of a run that failed: the first ones say enough. */
const SHOWN = 5;
/** Never reached within the time that anybody gives. */
const ENDLESS = 1e12;

function numberOf(text: string | undefined, name: string, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name} is a number\n\n${HELP}`);
  return process.exit(2);
}

function options() {
  const text = { type: 'string' } as const;
  const known = { seeds: text, from: text, minutes: text, threads: text, seed: text, help: { type: 'boolean' } } as const;
  try {
    return parseArgs({ options: known }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return process.exit(2);
  }
}

async function replay(seed: number): Promise<boolean> {
  const { violations } = await runSchedule(seed, (line) => console.log(line));
  console.log(violations.length === 0 ? `\nseed ${seed}: all invariants hold` : `\nseed ${seed}:\n  ${violations.join('\n  ')}`);
  return violations.length === 0;
}

const ACTS = ['crash', 'stop', 'homeserver', 'backup', 'cut', 'jump', 'disk', 'away'];

/** That the schedules were no empty ones. */
function summary({ counts, schedules }: Totals, seconds: number): string {
  const of = (name: string): string => (counts.get(name) ?? 0).toLocaleString('en');
  const told = [...counts.keys()].filter((name) => name.startsWith('told ')).sort();
  return [
    `faults: ${ACTS.map((name) => `${of(name)} ${name}`).join(', ')}, ${of('send_failed')} failed sends, ${of('sync_failed')} failed syncs`,
    `envelopes: ${of('send')} sent, ${of('taken')} taken, ${of('refused by the own bridge')} refused, ${told.map((name) => `${of(name)} ${name}`).join(', ')}`,
    `${of('events')} events; ${Math.round((schedules / seconds) * 60).toLocaleString('en')} schedules a minute`,
  ].join('\n');
}

async function many(from: number, count: number, threads: number, minutes: number | undefined): Promise<boolean> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const goOn = minutes === undefined ? undefined : () => seconds() < minutes * 60;
  console.log(
    `schedules from seed ${from} on, ${minutes === undefined ? count : `${minutes} minutes`} of them, on ${threads} threads`,
  );
  const totals = await runBatches({ from, count, threads, ...(goOn ? { goOn } : {}) });
  const last = from + totals.schedules - 1;
  console.log(`${totals.schedules.toLocaleString('en')} schedules, seeds ${from} to ${last}, in ${seconds().toFixed(1)} s`);
  console.log(summary(totals, seconds()));
  for (const { seed, violations } of totals.failed.slice(0, SHOWN)) {
    console.log(`\nseed ${seed} breaks an invariant:\n  ${violations.join('\n  ')}`);
    console.log(`  see it happen: node test/model/run.ts --seed ${seed}`);
  }
  console.log(totals.failed.length === 0 ? 'all invariants hold' : `\n${totals.failed.length} schedules break an invariant`);
  return totals.failed.length === 0;
}

const given = options();
if (given.help) console.log(HELP);
else if (given.seed !== undefined) process.exitCode = (await replay(numberOf(given.seed, 'seed', 0))) ? 0 : 1;
else {
  const minutes = given.minutes === undefined ? undefined : numberOf(given.minutes, 'minutes', 0);
  const count = minutes === undefined ? numberOf(given.seeds, 'seeds', 10_000) : ENDLESS;
  const threads = Math.max(1, numberOf(given.threads, 'threads', availableParallelism()));
  process.exitCode = (await many(numberOf(given.from, 'from', 1), count, threads, minutes)) ? 0 : 1;
}
