/** `node test/storage/schemas/generate.ts` writes the fixture of each schema that has none yet, and changes none that is there. */
import { existsSync, writeFileSync } from 'node:fs';
import { MIGRATIONS } from '../../../src/storage/sqlite/migrate.ts';
import { dump } from './dump.ts';

for (let version = 1; version <= MIGRATIONS.length; version++) {
  const file = new URL(`${String(version).padStart(4, '0')}.sql`, import.meta.url);
  if (existsSync(file)) continue;
  writeFileSync(file, dump(MIGRATIONS.slice(0, version)));
  console.log(`written: ${file.pathname}`);
}
