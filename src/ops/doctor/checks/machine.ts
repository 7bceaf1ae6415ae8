/** Node.js, the configuration, and the disk. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkConfigFile } from '../../../config/load.ts';
import type { Config } from '../../../config/schema.ts';
import { VollyError } from '../../../errors.ts';
import { type Check, check } from '../check.ts';
import { failed, type Outcome, ok, warning } from '../finding.ts';
import type { DoctorPorts } from '../ports.ts';
import type { TroubleCode } from '../troubles.ts';

/** As src/bin.js and package.json have it. */
const NODE = [24, 15] as const;
/** Less than this and the next commits fail. */
const FULL_BYTES = 10_000_000;
/** A bridge that fills its queues during an outage of its peers writes about this much. */
const LOW_BYTES = 200_000_000;
const PROBE_BYTES = 65_536;

export const nodeCheck = ({ node: version }: Pick<DoctorPorts, 'node'>): Check<void> =>
  check({
    name: 'node',
    needs: [],
    run() {
      const [major = 0, minor = 0] = version.split('.').map(Number);
      const isNew = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
      return isNew ? ok(version, undefined) : failed('old_node', version);
    },
  });

export const configCheck = ({ configFile }: Pick<DoctorPorts, 'configFile'>): Check<Config> =>
  check({
    name: 'config',
    needs: [],
    run() {
      try {
        const checked = checkConfigFile(configFile);
        if ('config' in checked) return ok(configFile, checked.config);
        const { problems } = checked;
        return failed('bad_config', `${problems.length} mistake${problems.length === 1 ? '' : 's'} in ${configFile}`, {
          details: problems,
        });
      } catch (error) {
        if (error instanceof VollyError) return failed('bad_config', error.message.replace('bad_config: ', ''));
        throw error;
      }
    },
  });

/** Where the bridge writes: always beside the database, beside the other files only where they are yet to be made. */
function foldersOf({ storage, keys, admin }: Config): readonly string[] {
  const toBeMade = [keys.path, admin.token].filter((file) => !existsSync(file));
  return [...new Set([storage.path, ...toBeMade].map((file) => dirname(file)))];
}

export const storageCheck = (config: Check<Config>): Check<void> =>
  check({
    name: 'storage',
    needs: [config],
    run([config]) {
      const folders = foldersOf(config);
      for (const folder of folders) {
        const trouble = existsSync(folder) ? troubleIn(folder) : undefined;
        if (trouble) return trouble;
      }
      const missing = folders.filter((folder) => !existsSync(folder));
      if (missing.length > 0) return warning('folder_missing', missing.join(', '), undefined, { fix: () => make(missing) });
      const free = freeBytes(folders[0]!);
      const room = `${folders[0]}, ${Math.floor(free / 1_000_000)} MB free`;
      if (free < FULL_BYTES) return failed('disk_full', room);
      return free < LOW_BYTES ? warning('disk_low', room, undefined) : ok(room, undefined);
    },
  });

const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

function make(folders: readonly string[]): string {
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return `made ${folders.join(', ')}`;
}

const WRITE_TROUBLES: Readonly<Record<string, TroubleCode>> = {
  EROFS: 'read_only_disk',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
};

/** Tried for real: quotas, used up inodes and mounts show in nothing else. */
function troubleIn(folder: string): Outcome<never> | undefined {
  const file = join(folder, `.volly-doctor-${process.pid}`);
  try {
    const fd = openSync(file, 'wx', 0o600);
    try {
      writeSync(fd, new Uint8Array(PROBE_BYTES));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(file, { force: true });
    }
    return undefined;
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return failed(WRITE_TROUBLES[code] ?? 'not_writable', `${folder} (${code})`);
  }
}
