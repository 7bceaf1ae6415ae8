/** Apps of one side that send far more than people do, in a process of their own. They stay connected, to hear the ends of what they sent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { performOffline } from '../../../src/compose/members.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { memberInvite } from '../../../src/ops/admin/operations/invites.ts';
import type { Side } from '../log.ts';
import type { Scene } from '../scene.ts';

const HOST = new URL('flood-host.ts', import.meta.url).pathname;

export interface FloodOptions {
  readonly server: string;
  readonly gatewayUrl: string;
  /** Name → invite. */
  readonly members: Readonly<Record<string, string>>;
  /** Devices, one for each member in turn. */
  readonly to: readonly string[];
}

export interface Flood {
  /** Of all of them together. */
  rate(perSecond: number): void;
}

const endWithParent = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of endWithParent) child.kill('SIGKILL');
});

/** Resolves once they are connected. They end with this process. */
export async function startFlood(scene: Scene, side: Side, count: number): Promise<Flood> {
  const [own, other] = side === 'a' ? [scene.world.a, scene.world.b] : [scene.world.b, scene.world.a];
  const config = loadConfig(own.configPath);
  const members: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const member = `${side}${i}f`;
    members[member] = ((await performOffline(config, memberInvite, { member })) as { link: string }).link;
  }
  const theirs = Object.keys(await scene.world.members(side === 'a' ? 'b' : 'a'));
  const options: FloodOptions = {
    server: own.serverName,
    gatewayUrl: own.gatewayUrl,
    members,
    to: theirs.map((name) => `${name}@${other.serverName}/PHONE`),
  };
  const log = join(scene.folder, `flood-${side}.jsonl`);
  scene.watch.add(log);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', HOST, JSON.stringify({ ...options, log })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  endWithParent.add(child);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the apps that flood ended (${code})`);
  });
  ended.catch(() => {});
  await Promise.race([once(child, 'message'), ended]);
  child.unref();
  child.channel?.unref();
  return { rate: (perSecond) => void child.send(perSecond) };
}
