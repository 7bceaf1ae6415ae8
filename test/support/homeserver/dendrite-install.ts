/** Builds a Dendrite in the user's cache folder, once: there are no binaries of it to be had. */
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from './install.ts';
import { buildOnce } from './lock.ts';
import { onPath, run } from './run.ts';

/** The newest that was released under this module's name. */
export const DENDRITE_VERSION = '0.13.8';
const PACKAGE = 'github.com/matrix-org/dendrite/cmd/dendrite';
const PROGRAM = 'dendrite';

const toStandardError: Progress = (line) => console.error(line);

let found: Promise<string> | undefined;

/** The path of its program. Looks once in a process's life. */
export function findDendrite(progress: Progress = toStandardError): Promise<string> {
  found ??= search(progress);
  return found;
}

async function search(progress: Progress): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'volly', `dendrite-${DENDRITE_VERSION}`);
  await buildOnce(folder, PROGRAM, (unfinished) => build(unfinished, folder, progress));
  return join(folder, PROGRAM);
}

async function build(folder: string, target: string, progress: Progress): Promise<void> {
  const go = onPath('go');
  if (go === undefined)
    throw new Error(
      `Dendrite ${DENDRITE_VERSION} is built from its source, and no \`go\` is on PATH: install Go 1.23 or newer (go.dev/dl).`,
    );
  progress(`Building Dendrite ${DENDRITE_VERSION} into ${target} (once, about 2 minutes)`);
  // An empty module of our own that names it as its tool: `go install …@version` would refuse its replace directives.
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'go.mod'), 'module volly.invalid/dendrite\n\ngo 1.23\n');
  const inFolder = ['-C', folder];
  let modules = 0;
  const onLine: Progress = (line) => {
    if (/^go: downloading /.test(line) && ++modules % 25 === 0) progress(`  ${modules} modules fetched`);
  };
  await run(go, ['get', ...inFolder, '-tool', `${PACKAGE}@v${DENDRITE_VERSION}`], { onLine });
  progress('  compiling');
  await run(go, ['build', ...inFolder, '-o', PROGRAM, PACKAGE], { onLine });
}
