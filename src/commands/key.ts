/** `volly-bridge key …` */
import type { Command } from 'commander';
import { toBase64url } from '../bytes.ts';
import type { Config } from '../config/schema.ts';
import type { Context } from './context.ts';

export function addKey(volly: Command, { config }: Context): void {
  const key = volly.command('key').description('the community’s own key, which members’ apps have pinned');
  key
    .command('show')
    .description('print what apps have pinned of it')
    .action(() => show('communityKey', config()));
  key
    .command('rotate')
    .description('go over to a new key that the old one signs; apps follow by themselves. The bridge must not run')
    .action(() => show('rotateCommunityKey', config()));
}

async function show(does: 'communityKey' | 'rotateCommunityKey', config: Config): Promise<void> {
  const compose = await import('../compose/community-key.ts');
  const { hash, predecessors } = await compose[does](config);
  console.log(`${toBase64url(hash)}\napps follow from ${predecessors} earlier ${predecessors === 1 ? 'key' : 'keys'}`);
}
