/**
 * Builds with a known fault, which the checker must find: a copy of the tree with lines of the bridge changed. `find` stands exactly
 * once in its file; builds.test.ts fails when an edit moved or doubled it, and whoever made the edit mends the record.
 */
import { cp, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { place, ROOT } from '../mutations/tree.ts';

interface Build {
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** What of a row it must show in. */
  readonly shows: 'doubled' | 'unjournaled';
}

export type BuildName = 'no-dedupe' | 'since-first';

export const BUILDS: Readonly<Record<BuildName, Build>> = {
  // What comes again is handed to the app again.
  'no-dedupe': {
    edits: [
      {
        file: 'src/storage/sqlite/inbox.ts',
        find: "if (seen.get(key.origin, key.id)) return 'duplicate';",
        replace: 'db.prepare("DELETE FROM inbox_seen WHERE origin = ? AND id = ?").run(key.origin, key.id);',
      },
    ],
    shows: 'doubled',
  },
  // What an answer of /sync brought is journaled and routed when the next request, with its position, is on its way.
  'since-first': {
    edits: [
      {
        file: 'src/matrix/receiver.ts',
        find: 'const entry = journal.append(RECEIVER, answer.raw);',
        replace: 'setTimeout(() => this.#queue.add(journal.append(RECEIVER, answer.raw), inbound), 20);',
      },
      { file: 'src/matrix/receiver.ts', find: 'this.#queue.add(entry, inbound);', replace: '' },
      { file: 'src/matrix/receiver.ts', find: 'await entry;', replace: '' },
    ],
    shows: 'unjournaled',
  },
};

export const BUILD_NAMES = Object.keys(BUILDS) as readonly BuildName[];

/** The path of the build's `src/bin.js`. */
export async function makeBuild(name: BuildName, parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, `${name}-`));
  for (const part of ['src', 'package.json']) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const edit of BUILDS[name].edits) await writeFile(join(folder, edit.file), placed(edit, folder));
  return join(folder, 'src/bin.js');
}

/** The file with the change made. Throws an Error that says how the record no longer fits the source. */
export const placed = (edit: Build['edits'][number], root: string = ROOT): string => place(edit, root).changed;
