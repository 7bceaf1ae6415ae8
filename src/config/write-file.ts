/** Files that the bridge writes for its owner's eyes. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { VollyError } from '../errors.ts';

/** Never half a file, and never for a moment one that others may read, as one left there could be. Throws `bad_config`. */
export function writeWhole(file: string, text: string): void {
  try {
    // By default the database's folder too, and this is mostly the first to make it.
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    rmSync(`${file}.new`, { force: true });
    writeFileSync(`${file}.new`, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new VollyError('bad_config', `${file} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

/** Undefined where there is none. Throws `bad_config` where it cannot be read. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new VollyError('bad_config', `${file} cannot be read (${code})`, { cause: error });
  }
}
