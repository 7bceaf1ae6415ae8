/** Opens the bridge's database, for the bridge and for commands beside it. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import { openSqlite, type SqliteOptions } from '../storage/sqlite/stores.ts';
import type { Stores } from '../storage/types.ts';

/** Throws `database`, `newer_schema`. */
export function openStores({ storage }: Pick<Config, 'storage'>, watch?: SqliteOptions['watch']): Stores {
  try {
    mkdirSync(dirname(storage.path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new VollyError('database', `${dirname(storage.path)} cannot be made (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
  return openSqlite({ file: storage.path, clock: systemClock, ...(watch ? { watch } : {}) });
}
