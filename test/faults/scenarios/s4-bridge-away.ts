/**
 * S4: the callee's bridge is away when the offer comes. Back within the offer's life, it rings; back after it, it does not, and the caller
 * has been told. The bridge is killed as its homeserver has its answer to the caller's question for keys: the offer finds it gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../../src/limits.ts';
import type { Line } from '../log.ts';
import { now } from '../log.ts';
import type { Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';

const AWAY_MS = 5_000;
const RINGS_MS = 10_000;
/** Further calls in the outage: their questions for keys wait at the homeserver, and are answered once it is back, or the call is not made. */
const CALLS_LATER_MS = [2_000, 1_000, 1_000];

export const scenario: Scenario = {
  id: 'S4',
  title: 'the bridge of the callee is away for 5 s, and for longer than an offer lives',
  waits: true,
  async world() {
    return { talkers: 1, callers: 5, callees: 5 };
  },
  async run(scene, { progress }) {
    const shortly = await backInTime(scene);
    progress(`away for 5 s: rang ${shortly.rang} of ${shortly.calls}, ${shortly.ms.toFixed(0)} ms after it was ready`);
    const { rang, told } = await backTooLate(scene);
    const missing =
      shortly.rang === shortly.calls ? [] : [`broke: away for 5 s, only ${shortly.rang} of ${shortly.calls} calls rang`];
    const ghost = rang ? ['broke: a call rang after its offer’s life'] : [];
    const untold = told === undefined ? ['broke: the caller was told nothing'] : [];
    return {
      bounds: [{ what: 'rings after the bridge is ready', value: shortly.ms, atMost: RINGS_MS, unit: 'ms' }],
      notes: [
        `${shortly.rang} calls rang, ${1 + CALLS_LATER_MS.length - shortly.calls} had no keys in time and were not made`,
        `away for longer: ${rang ? 'RANG' : 'no ring'}, the caller was told ${told}`,
      ],
      wrong: [...missing, ...ghost, ...untold],
    };
  },
};

const callee = (scene: Scene, number: number) => `b${number}r@${scene.world.b.serverName}`;

/** Calls, and kills the callee's bridge before the offer comes there. */
async function callAndKill(scene: Scene, number: number): Promise<void> {
  const passed = scene.nextAnswer('b', 'app.volly.keys.bundle', 10_000);
  const called = scene.apps.a.tell({ do: 'call', from: `a${number}c`, to: callee(scene, number) });
  if (!(await passed)) throw new Error('no bundle was sent');
  await scene.killBridge('b');
  if ((await called) !== 1) throw new Error('the call could not be made');
}

const rings = (lines: readonly Line[], since: number) => lines.filter((line) => line.k === 'rings' && line.t >= since);

async function backInTime(scene: Scene): Promise<{ readonly calls: number; readonly rang: number; readonly ms: number }> {
  const since = now();
  const healed = await scene.fault('bridge b away for 5 s');
  await callAndKill(scene, 0);
  const down = now();
  const made: Promise<number>[] = [];
  for (const [i, ms] of CALLS_LATER_MS.entries()) {
    await sleep(ms);
    made.push(scene.apps.a.tell({ do: 'call', from: `a${i + 1}c`, to: callee(scene, i + 1) }));
  }
  await sleep(AWAY_MS - (now() - down));
  await scene.world.b.startBridge();
  const ready = now();
  await healed();
  const calls = (await Promise.all(made)).reduce((sum, one) => sum + one, 1);
  await scene.watch.until((lines) => rings(lines, since).length >= calls, RINGS_MS);
  const rang = rings(await scene.watch.lines(), since);
  await hangUp(scene);
  return { calls, rang: rang.length, ms: Math.max(...rang.map(({ t }) => t)) - ready };
}

async function backTooLate(scene: Scene): Promise<{ readonly rang: boolean; readonly told: string | undefined }> {
  const since = now();
  const healed = await scene.fault('bridge b away for longer than an offer lives');
  await callAndKill(scene, 4);
  await sleep(LIMITS.offerLifeMs + 2_000 - (now() - since));
  await scene.world.b.startBridge();
  await healed();
  await sleep(LIMITS.confirmMs + 3_000);
  const lines = await scene.watch.lines();
  const offer = lines.find((line) => line.k === 'send' && line.t >= since && line.type === 'app.volly.call.offer');
  const told = lines.find((line) => line.k === 'told' && offer?.k === 'send' && line.id === offer.id);
  const over = lines.find((line) => line.k === 'over' && line.t >= since && line.app.startsWith('a4c'));
  const words = [
    ...(over?.k === 'over' ? [`that the call ended: ${over.reason}`] : []),
    ...(told?.k === 'told' ? [told.reason] : []),
  ];
  return { rang: rings(lines, since).length > 0, told: words.length > 0 ? words.join(' and ') : undefined };
}

async function hangUp(scene: Scene): Promise<void> {
  await scene.apps.a.tell({ do: 'hang-up', all: false });
}
