/**
 * `node src/config/generate.ts` writes the files that are made from the code; with `--check` it changes nothing and exits 1 when one
 * of them is not as the code would make it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseServerName } from '../ids.ts';
import { configPage } from './config-page.ts';
import { configJsonSchema } from './json-schema.ts';
import { errorsPage, limitsPage } from './reference.ts';
import { sampleRegistration } from './registration.ts';
import { sampleConfig } from './sample.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return '';
  }
};

/** Path from the top of the project → what belongs in it. */
export const generated = (): Readonly<Record<string, string>> => ({
  'config.sample.yaml': sampleConfig(),
  'registration.yaml': sampleRegistration({
    id: 'volly',
    url: 'http://127.0.0.1:29330',
    server: parseServerName('orchid.example'),
  }),
  'docs/CONFIG.md': configPage(),
  'docs/config.schema.json': configJsonSchema(),
  'docs/ERRORS.md': errorsPage(),
  'docs/LIMITS.md': limitsPage(read('src/limits.ts')),
});

type Files = Readonly<Record<string, string>>;

/** Paths of those that are not as the code makes them. */
export const drifted = (files: Files = generated()): string[] =>
  Object.entries(files)
    .filter(([path, text]) => read(path) !== text)
    .map(([path]) => path);

/** The command line of a generator. */
export function generate(files: Files): void {
  const paths = drifted(files);
  if (process.argv.includes('--check')) {
    for (const path of paths) console.error(`${path} is not as the code makes it: run npm run generate`);
    process.exitCode = paths.length === 0 ? 0 : 1;
    return;
  }
  for (const path of paths) {
    mkdirSync(new URL('.', new URL(path, root)), { recursive: true });
    writeFileSync(new URL(path, root), files[path]!);
  }
  console.log(paths.length === 0 ? 'nothing to do' : `written: ${paths.join(', ')}`);
}

if (import.meta.main) generate(generated());
