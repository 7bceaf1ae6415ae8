/** S5: call set-ups, many in flight both ways; and again while each homeserver and each bridge is restarted once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Side } from '../log.ts';
import type { RunOptions, Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';

export const scenario: Scenario = {
  id: 'S5',
  title: 'call set-ups, many in flight both ways; again with every server restarted',
  async run(scene, options) {
    const [each, inFlight] = options.form === 'short' ? [100, 25] : [200, 50];
    const active = await setUp(scene, each, inFlight);
    options.progress(`${active} of ${2 * each} calls became active`);
    const again = setUp(scene, each, inFlight);
    await restartAll(scene, options);
    const meanwhile = await again;
    return {
      bounds: [{ what: `calls of ${2 * each} that did not become active`, value: 2 * each - active, atMost: 0, unit: '' }],
      notes: [`${2 * inFlight} in flight`, `while all was restarted ${meanwhile} of ${2 * each} became active, the others ended`],
    };
  },
};

async function setUp(scene: Scene, count: number, inFlight: number): Promise<number> {
  const of = async (side: Side): Promise<number> => {
    const other = side === 'a' ? 'b' : 'a';
    const callees = scene.world.namesOf(other, 'r').map((name) => `${name}@${scene.world[other].serverName}`);
    return scene.apps[side].tell({ do: 'set-up', setUps: { count, inFlight, callers: scene.world.namesOf(side, 't'), callees } });
  };
  const [there, back] = await Promise.all([of('a'), of('b')]);
  return there + back;
}

async function restartAll(scene: Scene, { random, progress }: RunOptions): Promise<void> {
  for (const community of scene.communities) {
    await sleep(random() * 500);
    const healed = await scene.fault(`homeserver ${community.name} restarted`);
    await community.synapse.restart();
    await healed();
    progress(`homeserver ${community.name} restarted`);
  }
  for (const community of scene.communities) {
    await sleep(random() * 500);
    const healed = await scene.fault(`bridge ${community.name} restarted`);
    await community.stopBridge();
    await community.startBridge();
    await healed();
    progress(`bridge ${community.name} restarted`);
  }
}
