/** `volly-bridge member …` */
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { parseLocalpart } from '../ids.ts';
import type { Context } from './context.ts';

export function addMember(volly: Command, { config }: Context): void {
  const member = volly.command('member').description('members of this community');
  member
    .command('invite')
    .argument('<name>', 'as alice, or alice@orchid.example')
    .description('make an invite that lets one app enrol as this member')
    .action((name: string) => admit('inviteMember', config(), name));
  member
    .command('legacy')
    .argument('<name>', 'as alice, or alice@orchid.example')
    .description('make the credential of a member whose app cannot encrypt; one made before ends')
    .action((name: string) => admit('legacyCredential', config(), name));
}

/** Prints the one copy of what lets an app in. */
async function admit(make: 'inviteMember' | 'legacyCredential', config: Config, name: string): Promise<void> {
  const suffix = `@${config.homeserver.server_name}`;
  const localpart = parseLocalpart(name.endsWith(suffix) ? name.slice(0, -suffix.length) : name);
  const members = await import('../compose/members.ts');
  console.log(await members[make](config, localpart));
}
