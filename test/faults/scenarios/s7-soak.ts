/**
 * S7: 20 calls a minute and side for ten minutes: the memory of both bridges does not grow. V8 lets garbage lie, up to a hundred megabytes of
 * it, for as long as it finds room: so each bridge is made to collect its own before its resident memory is read.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../log.ts';
import type { Scenario } from '../scenario.ts';

const CALLS_A_SECOND = 20 / 60;
const EVERY_MS = 10_000;
/** For a collection, which takes a tenth of a second. */
const COLLECTING_MS = 1_000;
const COLLECTOR = new URL('../tools/gc-on-signal.ts', import.meta.url).href;
const WARM_MS = 3 * 60_000;
const MB_A_MINUTE = 1;

interface Sample {
  readonly minutes: number;
  readonly megabytes: number;
}

export const scenario: Scenario = {
  id: 'S7',
  title: 'soak: 20 calls a minute and side',
  longOnly: 'it takes ten minutes',
  waits: true,
  async world() {
    return { nodeArgs: ['--disable-warning=ExperimentalWarning', `--import=${COLLECTOR}`] };
  },
  async run(scene, { minutes, progress }) {
    await scene.load({ everyMs: 10_000, setupsPerSecond: CALLS_A_SECOND });
    const began = now();
    const samples: Record<string, Sample[]> = { a: [], b: [] };
    while (now() - began < minutes * 60_000) {
      await sleep(EVERY_MS - COLLECTING_MS);
      for (const { bridgePid } of scene.communities) if (bridgePid) process.kill(bridgePid, 'SIGUSR2');
      await sleep(COLLECTING_MS);
      for (const { name, bridgePid } of scene.communities)
        samples[name]?.push({ minutes: (now() - began) / 60_000, megabytes: await residentMegabytes(bridgePid) });
    }
    const warm = (all: readonly Sample[]) => all.filter((sample) => sample.minutes * 60_000 >= WARM_MS);
    for (const [name, all] of Object.entries(samples))
      progress(`bridge ${name}, MB each 10 s: ${all.map(({ megabytes }) => megabytes.toFixed(0)).join(' ')}`);
    return {
      bounds: Object.entries(samples).map(([name, all]) => ({
        what: `growth of bridge ${name} after minute 3`,
        value: slope(warm(all)),
        atMost: MB_A_MINUTE,
        unit: 'MB/min',
      })),
      notes: Object.entries(samples).map(
        ([name, all]) =>
          `bridge ${name} ${all[0]?.megabytes.toFixed(0)} to ${all.at(-1)?.megabytes.toFixed(0)} MB in ${minutes} min`,
      ),
    };
  },
};

async function residentMegabytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}

/** By least squares. NaN of fewer than two. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(samples.map(({ minutes }) => minutes));
  const y = mean(samples.map(({ megabytes }) => megabytes));
  const over = samples.reduce((sum, sample) => sum + (sample.minutes - x) * (sample.megabytes - y), 0);
  return over / samples.reduce((sum, sample) => sum + (sample.minutes - x) ** 2, 0);
}
