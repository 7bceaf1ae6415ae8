/** `volly-bridge backup` and `volly-bridge restore` */
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock as clock } from '../clock.ts';
import type { Context } from './context.ts';

export function addBackup(volly: Command, { version, file, config }: Context): void {
  volly
    .command('backup')
    .argument('<folder>', 'where backups are kept; each is a folder in it')
    .option('--keep <number>', 'how many stay there; older ones go', wholeNumber)
    .description('back up the database, the community key, the registration and the configuration; the bridge may run')
    .action(async (into: string, { keep }: { keep?: number }) => {
      const { backUp } = await import('../compose/backup.ts');
      const { folder, manifest } = await backUp({
        config: config(),
        configFile: file(),
        into,
        keep,
        program: version,
        clock,
      });
      console.log(`${folder}: all that was accepted by ${manifest.taken_at}`);
    });
  volly
    .command('restore')
    .argument('<backup>', 'the folder of one backup')
    .option('--force', 'over what is there, which is kept under another name')
    .description('put a backup in the place of the data; the bridge must not run')
    .action(async (from: string, { force = false }: { force?: boolean }) => {
      const { restore } = await import('../compose/restore.ts');
      const { manifest, aside } = await restore({ from, configFile: file(), config, force, clock });
      for (const file of aside) console.log(`kept: ${file}`);
      console.log(`${from}: restored, all that was accepted by ${manifest.taken_at}`);
      console.log('Open invites and resumption tickets are void. What members, devices and credentials changed later is undone:');
      console.log('docs/OPERATIONS.md, "Restore", says what to look at.');
    });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}
