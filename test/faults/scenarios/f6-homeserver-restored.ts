/**
 * F6: a homeserver is stopped, its database replaced by an older copy, and started: all positions that its bridge was given lie in its
 * future now, and what it had taken on since the copy is gone. Everything of that is the bridges' to send again.
 */
import { copyFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Synapse } from '../../support/homeserver/synapse.ts';
import type { Side } from '../log.ts';
import type { Scenario } from '../scenario.ts';

const SINCE_COPY_MS = { short: 4_000, long: 60_000 };
const FLOWING_MS = 30_000;

export const scenario: Scenario = {
  id: 'F6',
  title: 'a homeserver’s database restored from an older copy',
  async run(scene, { form, progress }) {
    const rounds: readonly (readonly [Side, boolean])[] =
      form === 'short'
        ? [
            ['a', false],
            ['b', true],
          ]
        : (['a', 'b'] as const).flatMap((side) => [
            [side, false],
            [side, true],
            [side, false],
          ]);
    await scene.load();
    for (const [side, bridgeToo] of rounds) {
      const { synapse } = scene.world[side];
      const copied = await scene.fault(`homeserver ${side} stopped to be copied`);
      await synapse.stop();
      const restore = await copyOf(synapse);
      await synapse.start();
      await copied();
      await scene.untilFlowing(FLOWING_MS);
      await sleep(SINCE_COPY_MS[form]);
      const healed = await scene.fault(`homeserver ${side} restored`);
      if (bridgeToo) await scene.killBridge(side);
      await synapse.stop();
      await restore();
      await synapse.start();
      if (bridgeToo) await scene.world[side].startBridge();
      await healed();
      const ms = await scene.untilFlowing(FLOWING_MS);
      progress(`homeserver ${side} restored${bridgeToo ? ', its bridge started anew' : ''}: flowing after ${ms.toFixed(0)} ms`);
    }
    return {
      notes: [
        `${rounds.length} times, each with all of ${SINCE_COPY_MS[form] / 1_000} s lost`,
        `${rounds.filter(([, bridgeToo]) => bridgeToo).length} of them with the bridge killed, too`,
      ],
    };
  },
};

/** Of a homeserver that is stopped; so it must be when the result is called. */
async function copyOf({ databasePath }: Synapse): Promise<() => Promise<void>> {
  const copy = `${databasePath}.copy`;
  await copyFile(databasePath, copy);
  return async () => {
    for (const suffix of ['-wal', '-shm']) await rm(databasePath + suffix, { force: true });
    await copyFile(copy, databasePath);
  };
}
