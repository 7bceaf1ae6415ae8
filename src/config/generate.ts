/**
 * `node src/config/generate.ts` writes the files that are made from the code; with `--check` it changes nothing and exits 1 when one
 * of them is not as the code would make it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseServerName } from '../ids.ts';
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
  'docs/ERRORS.md': errorsPage(),
  'docs/LIMITS.md': limitsPage(read('src/limits.ts')),
});

export const drifted = (): string[] =>
  Object.entries(generated())
    .filter(([path, text]) => read(path) !== text)
    .map(([path]) => path);

if (import.meta.main) {
  const paths = drifted();
  if (process.argv.includes('--check')) {
    for (const path of paths) console.error(`${path} is not as the code makes it: run npm run generate`);
    process.exitCode = paths.length === 0 ? 0 : 1;
  } else {
    for (const path of paths) writeFileSync(new URL(path, root), generated()[path]!);
    console.log(paths.length === 0 ? 'nothing to do' : `written: ${paths.join(', ')}`);
  }
}
