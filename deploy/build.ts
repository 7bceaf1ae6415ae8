/**
 * `npm run build`: the bridge into dist/bridge (plain JavaScript with types), and the SDK as a package of its own into dist/client.
 * The SDK holds what its two entries reach and nothing else, so an app never pulls the server's packages.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
/** `node deploy/build.ts [FOLDER]`: elsewhere than in dist/, as the tests do. */
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const bridge = join(dist, 'bridge');
const sdk = join(dist, 'client');
const ENTRIES = ['client/client.js', 'client/node.js'];

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(
  join(root, 'node_modules/.bin/tsc'),
  ['-p', join(root, 'deploy/tsconfig.build.json'), '--outDir', bridge],
  {
    stdio: 'inherit',
  },
);
if (status !== 0) process.exit(1);
cpSync(join(root, 'src/bin.js'), join(bridge, 'bin.js'));

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  license: string;
  dependencies: Record<string, string>;
  engines: Record<string, string>;
};
// The bridge reads its version from the package.json above it, here as in the source tree.
const { name, version, license, engines } = manifest;
writeFileSync(
  join(dist, 'package.json'),
  `${JSON.stringify({ name, version, license, private: true, type: 'module', engines, bin: { 'volly-bridge': 'bridge/bin.js' } }, null, 2)}\n`,
);

/** What a module imports, by statement or by call; text that merely looks like it inside a string does not begin a line so. */
const IMPORTS =
  /^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
const importsOf = (file: string): string[] =>
  [...readFileSync(join(bridge, file), 'utf8').matchAll(IMPORTS)].map(([, a, b, c]) => (a ?? b ?? c) as string);

const used = new Set<string>();
const files = new Set(ENTRIES);
for (const file of files) {
  for (const to of importsOf(file)) {
    if (to.startsWith('.')) files.add(relative(bridge, join(bridge, dirname(file), to)));
    else if (!to.startsWith('node:'))
      used.add(
        to
          .split('/')
          .slice(0, to.startsWith('@') ? 2 : 1)
          .join('/'),
      );
  }
}
// Declarations name more files than the JavaScript does: types of what is injected.
const declarations = new Set([...files].map((file) => file.replace(/\.js$/, '.d.ts')));
for (const file of declarations) {
  for (const to of importsOf(file)) {
    if (to.startsWith('.')) declarations.add(relative(bridge, join(bridge, dirname(file), to)).replace(/\.[jt]s$/, '.d.ts'));
  }
}
for (const file of [...files, ...declarations]) {
  mkdirSync(dirname(join(sdk, 'lib', file)), { recursive: true });
  cpSync(join(bridge, file), join(sdk, 'lib', file));
}
cpSync(join(root, 'LICENSE'), join(sdk, 'LICENSE'));
writeFileSync(
  join(sdk, 'package.json'),
  `${JSON.stringify(
    {
      name: '@volly/client',
      version,
      description: 'SDK of Volly: post-quantum sealed call signalling and presence, for browsers and Node',
      license,
      type: 'module',
      sideEffects: false,
      exports: {
        '.': { types: './lib/client/client.d.ts', default: './lib/client/client.js' },
        './store': { types: './lib/client/store.d.ts', default: './lib/client/store.js' },
        './errors': { types: './lib/errors.d.ts', default: './lib/errors.js' },
        './node': { types: './lib/client/node.d.ts', default: './lib/client/node.js' },
      },
      dependencies: Object.fromEntries([...used].sort().map((name) => [name, manifest.dependencies[name]])),
    },
    null,
    2,
  )}\n`,
);
console.log(`${bridge}: the bridge\n${sdk}: the SDK, ${files.size} files, needs ${[...used].sort().join(', ')}`);
