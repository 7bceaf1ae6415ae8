/** `volly-bridge status` */
import type { Command } from 'commander';
import { loadRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import { askStatus } from '../ops/ask-status.ts';
import { statusPage } from '../ops/status-page.ts';
import type { Context } from './context.ts';

export function addStatus(volly: Command, { config }: Context): void {
  volly
    .command('status')
    .option('--json', 'everything, for programs')
    .description('show how the running bridge, its homeserver and its peers are')
    .action((options: { json?: boolean }) => status(config(), options));
}

async function status(config: Config, { json = false }: { json?: boolean }): Promise<void> {
  const now = await askStatus({ listen: config.appservice.listen, hsToken: loadRegistration(config).hs_token });
  console.log(json ? JSON.stringify(now, null, 2) : statusPage(now));
}
