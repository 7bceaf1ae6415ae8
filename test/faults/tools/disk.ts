/**
 * A disk of a bridge's own that can be full: a small tmpfs where one can be mounted. Elsewhere the kernel refuses the bridge's process to
 * write files past a page (RLIMIT_FSIZE): SQLite then meets an I/O error in place of a full disk.
 */
import { execFileSync } from 'node:child_process';
import { rmdirSync } from 'node:fs';
import { cp, rename, rm, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Community } from '../../support/community.ts';
import { SmallDisk } from '../../support/small-disk.ts';

const KILOBYTES = 32_768;
const PAGE = 4_096;

export interface Disk {
  /** One line for the run to print. */
  readonly what: string;
  /** With nothing left for what the running bridge writes anew. */
  fill(): void;
  empty(): void;
  /** Puts the data back where they were. The bridge has stopped. */
  leave(): Promise<void>;
}

/** The bridge has stopped; its data are on the disk when it starts again. */
export async function diskFor(community: Community): Promise<Disk> {
  const small = SmallDisk.mount(KILOBYTES);
  return small ? await mounted(community, small) : limited(community);
}

async function mounted({ databasePath }: Community, small: SmallDisk): Promise<Disk> {
  // Of a run that is interrupted: bridges may have it open still.
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', small.path]);
    rmdirSync(small.path);
  };
  process.prependOnceListener('exit', unmount);
  const data = dirname(databasePath);
  await cp(data, small.path, { recursive: true });
  await rename(data, `${data}.before`);
  await symlink(small.path, data);
  return {
    what: `a tmpfs of ${KILOBYTES / 1_024} MB, full to the last page`,
    fill: () => fillUp(small),
    empty: () => small.empty(),
    async leave() {
      await unlink(data);
      await cp(small.path, data, { recursive: true });
      await rm(`${data}.before`, { recursive: true });
      process.off('exit', unmount);
      small.unmount();
    },
  };
}

function fillUp(small: SmallDisk): void {
  try {
    small.fill();
  } catch (error) {
    // The bridge was quicker with the last page.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function limited(community: Community): Disk {
  const limit = (bytes: string): void =>
    void execFileSync('prlimit', [`--pid=${community.bridgePid}`, `--fsize=${bytes}:`], { stdio: 'ignore' });
  return {
    what: 'no tmpfs can be mounted here: the bridge may not write files past a page (I/O errors)',
    fill: () => limit(String(PAGE)),
    empty: () => community.bridgePid !== undefined && limit('unlimited'),
    leave: async () => {},
  };
}
