/**
 * F7: apps come and go: sockets cut, processes killed and started again on their stores, and sockets that stay open with nothing passing.
 * Such a half-open one an app must find in two heartbeats.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../../src/limits.ts';
import type { Side } from '../log.ts';
import { now } from '../log.ts';
import type { RunOptions, Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';
import { type Relay, startRelay } from '../tools/relay.ts';

const HEARTBEATS_MS = 2 * LIMITS.pingMs;
/** A timer's lateness on a busy machine. */
const LATE_MS = 2_000;
const FLOWING_MS = 60_000;

let doors: Record<Side, Relay>;

export const scenario: Scenario = {
  id: 'F7',
  title: 'apps come and go: sockets cut, apps killed, sockets half open',
  waits: true,
  async world() {
    return {};
  },
  async doors(world) {
    const before = (side: Side) => startRelay({ target: { port: Number(new URL(world[side].gatewayUrl).port) } });
    doors = { a: await before('a'), b: await before('b') };
    return doors;
  },
  async run(scene, options) {
    const { form } = options;
    await scene.load();
    const cuts = form === 'short' ? 20 : 60;
    await cutSockets(scene, options, cuts);
    const kills = form === 'short' ? 4 : 20;
    await killApps(scene, options, kills);
    const found = await halfOpen(scene);
    return {
      bounds: [{ what: 'half-open sockets found after', value: found, atMost: HEARTBEATS_MS + LATE_MS, unit: 'ms' }],
      notes: [
        `${cuts} times sockets cut, ${kills} app processes killed, sockets of side a half open for ${HEARTBEATS_MS / 1_000} s`,
      ],
    };
  },
};

/** Of some apps of a side each time. */
async function cutSockets(scene: Scene, { random }: RunOptions, times: number): Promise<void> {
  for (let cut = 0; cut < times; cut++) {
    const side = cut % 2 === 0 ? 'a' : 'b';
    const apps = Object.keys(await scene.world.members(side)).filter(() => random() < 0.3);
    await scene.apps[side].tell({ do: 'cut-sockets', apps });
    await sleep(200 + random() * 600);
  }
}

async function killApps(scene: Scene, { random, progress }: RunOptions, times: number): Promise<void> {
  for (let kill = 1; kill <= times; kill++) {
    const side = kill % 2 === 0 ? 'a' : 'b';
    const healed = await scene.fault(`apps of side ${side} killed (${kill})`);
    await scene.apps[side].kill();
    await scene.apps[side].start();
    await healed();
    await scene.loadAgain(side);
    const ms = await scene.untilFlowing(FLOWING_MS);
    progress(`apps killed ${kill} times, flowing after ${ms.toFixed(0)} ms`);
    await sleep(500 + random() * 1_000);
  }
}

/** ms until the last app of side a had given its socket up. */
async function halfOpen(scene: Scene): Promise<number> {
  const healed = await scene.fault('sockets of side a half open');
  const since = now();
  doors.a.cut('blackhole');
  const apps = new Set(Object.keys(await scene.world.members('a')));
  const gaveUp = new Map<string, number>();
  await scene.watch.until((lines) => {
    for (const line of lines) {
      const name = line.app?.split('@')[0] ?? '';
      if (line.k === 'offline' && line.t >= since && apps.has(name) && !gaveUp.has(name)) gaveUp.set(name, line.t - since);
    }
    return gaveUp.size === apps.size;
  }, HEARTBEATS_MS + 10_000);
  doors.a.heal();
  await healed();
  await scene.untilFlowing(FLOWING_MS);
  return gaveUp.size === apps.size ? Math.max(...gaveUp.values()) : Number.NaN;
}
