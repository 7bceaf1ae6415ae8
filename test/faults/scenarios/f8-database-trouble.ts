/**
 * F8: bridge b's disk is full, with it left running and with it killed meanwhile; another process holds its database; it is killed while its
 * schema is made. What it could not journal it must not have let go (the checker's `unjournaled`, by the kills) nor answered 200.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { parse } from 'yaml';
import type { Community } from '../../support/community.ts';
import type { Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';
import { type Disk, diskFor } from '../tools/disk.ts';
import { killFirstStarts } from '../tools/first-start.ts';

const HOLD_LOCK = new URL('../tools/hold-lock.ts', import.meta.url).pathname;
const FULL_MS = { short: 4_000, long: 15_000 };
/** Within what a change waits for the lock, and past it. */
const HELD_MS = [2_000, 7_000];
const KILLS = { short: 6, long: 20 };
const CONNECTED_MS = 15_000;
const FLOWING_MS = 30_000;
/** More than any room that a log has left inside. */
const TRANSACTION_BYTES = 12_000_000;

export const scenario: Scenario = {
  id: 'F8',
  title: 'bridge b’s disk full, its database held by another process, SIGKILL in first starts',
  async run(scene, { form, random, progress }) {
    const { b } = scene.world;
    const wrong: string[] = [];
    await b.stopBridge();
    const disk = await diskFor(b);
    progress(disk.what);
    await b.startBridge();
    await scene.untilConnected('b', CONNECTED_MS);
    await scene.load();
    let refused = 0;
    for (const killed of [false, true]) {
      refused += await full(scene, disk, { ms: FULL_MS[form], killed, progress, wrong });
    }
    if (refused === 0) wrong.push('broke: the disk was full and nobody noticed');
    for (const ms of HELD_MS) await held(scene, ms, progress);
    const { kills, absent, broken } = await killFirstStarts(b, KILLS[form], random);
    progress(`killed in ${kills} first starts, in ${absent} before the schema was there`);
    await b.stopBridge();
    await disk.leave();
    await b.startBridge();
    return {
      notes: [
        disk.what,
        `${refused} messages of b’s apps refused with \`database\``,
        `lock held for ${HELD_MS.join(' and ')} ms`,
        `SIGKILL in ${kills} first starts, in ${absent} before the schema was there`,
      ],
      wrong: [...wrong, ...broken.map((line) => `broke: ${line}`)],
    };
  },
};

interface Full {
  readonly ms: number;
  readonly killed: boolean;
  readonly progress: (line: string) => void;
  readonly wrong: string[];
}

/** How many messages of b's apps were refused meanwhile. */
async function full(scene: Scene, disk: Disk, { ms, killed, progress, wrong }: Full): Promise<number> {
  const { b } = scene.world;
  const healed = await scene.fault(`disk of b full${killed ? ', bridge killed' : ''}`);
  const before = await refusals(scene);
  emptyLog(b);
  disk.fill();
  await sleep(ms / 2);
  const status = await transactionTo(b);
  if (status === 200) wrong.push('broke: a transaction that there was no room for was answered 200');
  await sleep(ms / 2);
  if (killed) await scene.killBridge('b');
  disk.empty();
  if (killed) await b.startBridge();
  await healed();
  const flowing = await scene.untilFlowing(FLOWING_MS);
  const refused = (await refusals(scene)) - before;
  progress(
    `disk full for ${ms / 1_000} s${killed ? ' and the bridge killed' : ''}: ${refused} messages refused, a transaction answered ${status}, flowing ${flowing.toFixed(0)} ms after`,
  );
  return refused;
}

/** A log that has been longer has room inside, and goes on for a while on a full disk. */
function emptyLog({ databasePath }: Community): void {
  const db = new Database(databasePath, { timeout: 5_000 });
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

const refusals = async (scene: Scene): Promise<number> =>
  (await scene.watch.lines()).filter((line) => line.k === 'refused' && line.code === 'database').length;

/** As the homeserver would send it; its status. */
async function transactionTo(b: Community): Promise<number> {
  const registration = parse(await readFile(b.registrationPath, 'utf8')) as { url: string; hs_token: string };
  const body = JSON.stringify({ events: [{ type: 'app.volly.test', content: { text: 'x'.repeat(TRANSACTION_BYTES) } }] });
  const answer = await fetch(`${registration.url}/_matrix/app/v1/transactions/${crypto.randomUUID()}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${registration.hs_token}`, 'content-type': 'application/json' },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}

async function held(scene: Scene, ms: number, progress: (line: string) => void): Promise<void> {
  const healed = await scene.fault(`database of b held for ${ms} ms`);
  const holder = spawn(process.execPath, [HOLD_LOCK, scene.world.b.databasePath, String(ms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder, 'exit');
  await healed();
  progress(`database held for ${ms} ms, flowing ${(await scene.untilFlowing(FLOWING_MS)).toFixed(0)} ms after`);
}
