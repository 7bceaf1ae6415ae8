/**
 * F10: ten times the usual load, on both sides; then so, while homeserver b stands still: what there is no room for is refused at once
 * and in words, memory stays bounded, and all goes on afterwards. Then the clock of bridge b jumps an hour ahead, and back, and behind.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Community } from '../../support/community.ts';
import { type Line, now } from '../log.ts';
import type { Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';
import { startFlood } from '../tools/flood.ts';
import { JUMPING_BRIDGE, setClock } from '../tools/jumping-bridge.ts';

const USUAL = 20;
/** Of each side: 45 a second of each, below what a gateway reads of one app. */
const FLOODERS = 4;
const OVERLOAD_MS = { short: 8_000, long: 60_000 };
/** A device may have 500 envelopes under way: reached after 11 s of a flooder's share. */
const STANDING_MS = { short: 16_000, long: 90_000 };
const JUMP_MS = 3_600_000;
const JUMPED_MS = { short: 4_000, long: 20_000 };
const FLOWING_MS = 30_000;
/** Of ten pairs. */
const TALKING = 18;
/**
 * A bridge has 180 MB when it has started under load; the outbox may take 134, an answer of /sync on its way to the journal three times 33,
 * and the collector runs when it has half as much again to collect.
 */
const MEMORY_AT_MOST_MB = 600;

export const scenario: Scenario = {
  id: 'F10',
  title: 'ten times the load, with homeserver b standing still; clock of bridge b off by an hour',
  world: async () => ({ programOfB: JUMPING_BRIDGE }),
  async run(scene, { form, progress }) {
    const { a, b } = scene.world;
    const floods = await Promise.all((['a', 'b'] as const).map((side) => startFlood(scene, side, FLOODERS)));
    await scene.load();
    const memory = new Memory([a, b]);
    const before = memory.now();
    const flood = (rate: number): void => {
      for (const one of floods) one.rate(rate);
    };

    flood(9 * USUAL);
    await sleep(OVERLOAD_MS[form]);
    flood(0);
    const refusedBusy = refusalsIn(await scene.watch.lines());
    progress(`ten times the load: ${refusedBusy.total} refused, ${memory.now().toFixed(0)} MB`);
    await scene.untilFlowing(FLOWING_MS);

    const healed = await scene.fault('homeserver b stands still under ten times the load');
    const { pid } = b.synapse;
    if (pid === undefined) throw new Error('homeserver b does not run');
    process.kill(pid, 'SIGSTOP');
    flood(9 * USUAL);
    await sleep(STANDING_MS[form]);
    flood(0);
    process.kill(pid, 'SIGCONT');
    await healed();
    const after = await scene.untilFlowing(FLOWING_MS);
    const refused = refusalsIn(await scene.watch.lines());
    progress(`homeserver b stood still: ${refused.overloaded} refused as overloaded, flowing ${after.toFixed(0)} ms after`);

    await talkersOnly(scene);
    const jumps: number[] = [];
    for (const offset of [JUMP_MS, -JUMP_MS]) {
      const back = await scene.fault(`clock of b jumps by ${offset} ms`);
      await setClock(b, offset);
      await sleep(JUMPED_MS[form]);
      await setClock(b, 0);
      await back();
      jumps.push(await scene.untilFlowing(FLOWING_MS));
      progress(`clock of b jumped by ${offset / 60_000} min and back: flowing ${jumps.at(-1)?.toFixed(0)} ms after`);
    }
    memory.stop();
    const atOdds = codesIn(await scene.watch.lines()).filter((code) => code === 'expired' || code === 'clock_skew').length;
    return {
      bounds: [
        { what: 'memory of a bridge', value: memory.most, atMost: MEMORY_AT_MOST_MB, unit: 'MB' },
        { what: 'flowing after the overload', value: after, atMost: FLOWING_MS, unit: 'ms' },
        { what: 'flowing after a jump', value: Math.max(...jumps), atMost: FLOWING_MS, unit: 'ms' },
        {
          what: 'refusals that do not say `overloaded` under load',
          value: refused.total - refused.overloaded,
          atMost: 0,
          unit: '',
        },
      ],
      notes: [
        `${refused.overloaded} messages refused as overloaded`,
        `${before.toFixed(0)} MB before the overload`,
        `${(OVERLOAD_MS[form] + STANDING_MS[form]) / 1_000} s of ten times the load, ± 1 h for ${JUMPED_MS[form] / 1_000} s each (${atOdds} messages refused for it)`,
      ],
      wrong: [
        ...(refused.overloaded === 0 ? ['broke: an overload that nobody was told of'] : []),
        ...(atOdds === 0 ? ['broke: a clock that was off by an hour and made no difference'] : []),
      ],
    };
  },
};

/** A call that is hung up while the clock is off ends on the other side when its heartbeats have stopped for a minute: not looked at here. */
async function talkersOnly(scene: Scene): Promise<void> {
  await scene.stopLoad();
  await Promise.all([scene.apps.a, scene.apps.b].map((apps) => apps.tell({ do: 'hang-up', all: true })));
  const since = now();
  await scene.load({ setupsPerSecond: 0 });
  const talking = (lines: readonly Line[]) =>
    new Set(lines.flatMap((line) => (line.k === 'hear' && line.t > since ? [line.app] : [])));
  await scene.watch.until((lines) => talking(lines).size >= TALKING, FLOWING_MS);
}

const codesIn = (lines: readonly Line[]): string[] => lines.flatMap((line) => (line.k === 'refused' ? [line.code] : []));

function refusalsIn(lines: readonly Line[]): { total: number; overloaded: number } {
  const codes = codesIn(lines);
  return { total: codes.length, overloaded: codes.filter((code) => code === 'overloaded').length };
}

/** MB of the larger of two bridges, looked at each second. */
class Memory {
  readonly #bridges: readonly Community[];
  readonly #timer: NodeJS.Timeout;
  most = 0;

  constructor(bridges: readonly Community[]) {
    this.#bridges = bridges;
    this.#timer = setInterval(() => this.now(), 1_000);
  }

  now(): number {
    const sizes = this.#bridges.map(({ bridgePid }) => {
      const status = bridgePid === undefined ? '' : readFileSync(`/proc/${bridgePid}/status`, 'utf8');
      return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024) / 1e6;
    });
    const largest = Math.max(...sizes);
    this.most = Math.max(this.most, largest);
    return largest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
