/** `volly-bridge start` */
import { on, once } from 'node:events';
import type { Command } from 'commander';
import type { RunningBridge } from '../compose/bridge.ts';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import type { Context } from './context.ts';

export function addStart(volly: Command, { version, config }: Context): void {
  volly
    .command('start')
    .description('run the bridge until SIGTERM or SIGINT; SIGHUP reads the configuration again')
    .action(() => start(config, version));
}

async function start(config: () => Config, version: string): Promise<void> {
  // Before anything is read: one that comes while the bridge starts is obeyed when it runs. bin.js has let those before pass.
  const hangups = on(process, 'SIGHUP');
  const { startBridge } = await import('../compose/bridge.ts');
  const bridge = await startBridge(config(), version);
  const stopped = (['SIGTERM', 'SIGINT'] as const).map((name) => once(process, name));
  void reloadAt(hangups, bridge, config);
  const failure = await Promise.race([bridge.failed, ...stopped]);
  await bridge.stop();
  if (failure instanceof VollyError) throw failure;
}

async function reloadAt(hangups: AsyncIterable<unknown>, bridge: RunningBridge, config: () => Config): Promise<void> {
  for await (const _ of hangups) bridge.reload(config);
}
