/** F2: homeserver a, then b, is killed in mid-transaction: at the moment when it has answered its bridge that it took messages. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

const REPAIRED_MS = 15_000;
const FLOWING_MS = 60_000;

export const scenario: Scenario = {
  id: 'F2',
  title: 'SIGKILL homeserver a, then b, in mid-transaction',
  recoveryAtMost: REPAIRED_MS,
  async run(scene, { form, random, progress }) {
    const each = form === 'short' ? 3 : 10;
    await scene.load();
    for (const side of ['a', 'b'] as const) {
      const { synapse } = scene.world[side];
      for (let kill = 1; kill <= each; kill++) {
        await sleep(200 + random() * 1_000);
        const healed = await scene.fault(`homeserver ${side} killed (${kill})`);
        if (kill % 2 === 1) await scene.nextAnswer(side, '/sendToDevice/');
        else await scene.nextLetGo(side);
        await synapse.kill();
        await synapse.start();
        await healed();
        const ms = await scene.untilFlowing(FLOWING_MS);
        progress(`homeserver ${side} killed ${kill} times, flowing after ${ms.toFixed(0)} ms`);
      }
    }
    return { notes: [`${2 * each} kills`] };
  },
};
