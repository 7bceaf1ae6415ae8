/**
 * Builds with a known fault, which the checker must find: a copy of the tree with one line of the bridge changed. `find` stands exactly
 * once in its file; builds.test.ts fails when an edit moved or doubled it, and whoever made the edit mends the record.
 */
import { cp, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { place, ROOT } from '../mutations/tree.ts';

interface Build {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What of a row it must show in. */
  readonly shows: 'doubled' | 'unjournaled';
}

export type BuildName = 'no-dedupe' | 'since-first';

export const BUILDS: Readonly<Record<BuildName, Build>> = {
  // What comes again is handed to the app again.
  'no-dedupe': {
    file: 'src/storage/sqlite/inbox.ts',
    find: "if (seen.get(key.origin, key.id)) return 'duplicate';",
    replace: 'db.prepare("DELETE FROM inbox_seen WHERE origin = ? AND id = ?").run(key.origin, key.id);',
    shows: 'doubled',
  },
  // The next request goes out while the commit of what the last one brought is under way.
  'since-first': {
    file: 'src/matrix/receiver.ts',
    find: 'await entry;',
    replace: 'entry.catch(() => {});',
    shows: 'unjournaled',
  },
};

/** The path of the build's `src/bin.js`. */
export async function makeBuild(name: BuildName, parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, `${name}-`));
  for (const part of ['src', 'package.json']) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const build = BUILDS[name];
  const { changed } = place({ ...build, requirement: '', why: '' });
  await writeFile(join(folder, build.file), changed);
  return join(folder, 'src/bin.js');
}
