/** F3: nothing passes between the homeservers, packets lost or connections refused; once also longer than a homeserver's back-off of 10 minutes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';
import { type Relay, startRelay } from '../tools/relay.ts';

const FLOWING_MS = 10_000;
const PATIENCE_MS = 120_000;
const BETWEEN_MS = 5_000;

let relays: Relay[] = [];

const federation = async (port: number, target: number): Promise<Relay> => {
  const relay = await startRelay({ port, target: { port: target } });
  relays.push(relay);
  return relay;
};

export const scenario: Scenario = {
  id: 'F3',
  title: 'the way between the homeservers is cut',
  waits: true,
  recoveryAtMost: FLOWING_MS,
  async world() {
    relays = [];
    return { ways: { a: { federation }, b: { federation } } };
  },
  async run(scene, { form, progress }) {
    const cuts =
      form === 'short'
        ? ([['blackhole', 30]] as const)
        : ([
            ['reset', 30],
            ['blackhole', 30],
            ['blackhole', 120],
            ['blackhole', 900],
          ] as const);
    await scene.load();
    for (const [how, seconds] of cuts) {
      const healed = await scene.fault(`federation cut by ${how} for ${seconds} s`);
      for (const relay of relays) relay.cut(how);
      await sleep(seconds * 1_000);
      for (const relay of relays) relay.heal();
      await healed();
      const ms = await scene.untilFlowing(PATIENCE_MS);
      progress(`cut by ${how} for ${seconds} s, flowing after ${ms.toFixed(0)} ms`);
      await sleep(BETWEEN_MS);
    }
    return { notes: [cuts.map(([how, seconds]) => `${seconds} s by ${how}`).join(', ')] };
  },
};
