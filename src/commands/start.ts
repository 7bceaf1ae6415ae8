/** `volly-bridge start` */
import { once } from 'node:events';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import type { Context } from './context.ts';

export function addStart(volly: Command, { version, config }: Context): void {
  volly
    .command('start')
    .description('run the bridge until SIGTERM or SIGINT')
    .action(() => start(config(), version));
}

async function start(config: Config, version: string): Promise<void> {
  const { startBridge } = await import('../compose/bridge.ts');
  const bridge = await startBridge(config, version);
  const stopped = (['SIGTERM', 'SIGINT'] as const).map((name) => once(process, name));
  const failure = await Promise.race([bridge.failed, ...stopped]);
  await bridge.stop();
  if (failure instanceof VollyError) throw failure;
}
