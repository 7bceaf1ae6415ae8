/** `node docs/asyncapi/generate.ts` writes docs/asyncapi.yaml; with `--check` it changes nothing and exits 1 when the file is not as the code makes it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { asyncApiYaml } from './document.ts';

const file = new URL('../asyncapi.yaml', import.meta.url);
const drifted = !existsSync(file) || readFileSync(file, 'utf8') !== asyncApiYaml();

if (process.argv.includes('--check')) {
  if (drifted) console.error('docs/asyncapi.yaml is not as the code makes it: run npm run generate');
  process.exitCode = drifted ? 1 : 0;
} else if (drifted) {
  writeFileSync(file, asyncApiYaml());
  console.log('written: docs/asyncapi.yaml');
} else {
  console.log('nothing to do');
}
