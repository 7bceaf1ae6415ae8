/**
 * F1: bridge b is killed again and again under load. Half of the kills are aimed: at the moment when the bridge asks its homeserver with
 * the position that lets it forget what came last. All that was in its answer must be in the database then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../../bench/rows.ts';
import { now } from '../log.ts';
import type { Scenario } from '../scenario.ts';

const READY_MS = 2_000;
const FLOWING_MS = 15_000;
/** Apps try again after 0.5, 1, 2 … s: killed without a pause, a bridge would find them waiting longer and longer. */
const CONNECTED_MS = 10_000;

export const scenario: Scenario = {
  id: 'F1',
  title: 'SIGKILL bridge b again and again under load',
  alone: true,
  async run(scene, { form, badBuild, random, progress }) {
    const kills = badBuild ? 6 : form === 'short' ? 20 : 40;
    await scene.load();
    const ready: number[] = [];
    const connected: number[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(200 + random() * 800);
      const healed = await scene.fault(`bridge b killed (${kill})`);
      if (kill % 2 === 0) await scene.nextLetGo('b');
      await scene.killBridge('b');
      const began = now();
      await scene.world.b.startBridge();
      ready.push(now() - began);
      await healed();
      await scene.untilFlowing(FLOWING_MS);
      connected.push(await scene.untilConnected('b', CONNECTED_MS));
      if (kill % 5 === 0) progress(`${kill} kills, ready after ${Math.max(...ready).toFixed(0)} ms at most`);
    }
    return {
      // Nine of ten: the tenth meets whatever else the machine does.
      bounds: [{ what: 'ready after (p90)', value: quantile(ready, 0.9), atMost: READY_MS, unit: 'ms' }],
      notes: [
        `${kills} kills, ready after ${Math.max(...ready).toFixed(0)} ms at most`,
        `all apps back ${Math.max(...connected).toFixed(0)} ms after that at most`,
      ],
    };
  },
};
