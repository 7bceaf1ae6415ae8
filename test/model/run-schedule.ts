/** One schedule from its seed to its verdict. The same seed gives the same run, event for event. */
import { seeded } from '../support/clock.ts';
import { checkEnds, checkNothingRemains, untilNothingRemains, untilQuiet } from './invariants.ts';
import { schedule } from './schedule.ts';
import { World } from './world.ts';

/** After the last orderly restart: journals and outboxes are read, hellos go round. */
const LAST_RUN_MS = 3_000;

export interface Verdict {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

export async function runSchedule(seed: number, print?: (line: string) => void): Promise<Verdict> {
  const world = new World(schedule(seed), print);
  const uncaught = (error: unknown): void => world.violated(`uncaught: ${error instanceof Error ? error.stack : String(error)}`);
  process.on('unhandledRejection', uncaught);
  // Jitter of retries is drawn from it in src; nothing else runs in this thread meanwhile.
  const random = Math.random;
  Math.random = seeded(seed);
  try {
    await world.runFaults();
    await untilQuiet(world);
    await checkNothingRemains(world);
    // What only a restart would bring to light, or again to an app.
    for (const bridge of world.bridges) void bridge.stop(100);
    await world.time.run(world.time.now + LAST_RUN_MS);
    await untilNothingRemains(world);
    await checkEnds(world);
  } finally {
    Math.random = random;
    process.off('unhandledRejection', uncaught);
  }
  return { seed, violations: world.violations, counts: countsOf(world) };
}

function countsOf(world: World): ReadonlyMap<string, number> {
  const counts = new Map(world.counts);
  const add = (name: string, n = 1): void => void counts.set(name, (counts.get(name) ?? 0) + n);
  for (const { taken, refused, told } of world.ledger.stories.values()) {
    if (taken) add('taken');
    if (refused) add('refused by the own bridge');
    for (const { reason } of told.values()) add(`told ${reason}`);
  }
  add('events', world.time.events);
  return counts;
}
