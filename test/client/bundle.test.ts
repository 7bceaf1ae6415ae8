/** The SDK runs in a browser: it bundles for one, without anything of Node, and stays small. */
import assert from 'node:assert/strict';
import { builtinModules } from 'node:module';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

describe('the browser build', () => {
  it('bundles with no Node built-in', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [new URL('../../src/client/client.ts', import.meta.url).pathname],
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
    });
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    const builtin = imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path));
    assert.deepEqual(builtin, []);
    const [output] = outputFiles;
    assert.doesNotMatch(
      output!.text,
      /["'`]node:(?!crypto["'`])/,
      'native.ts asks for node:crypto at run time, if there is a process',
    );
    const gzipped = gzipSync(output!.contents, { level: 9 }).length;
    console.log(`      ${(output!.contents.length / 1_000).toFixed(1)} kB minified, ${(gzipped / 1_000).toFixed(1)} kB gzipped`);
    // 89 kB when this was written, half of it the cryptography: look at what came in before raising it.
    assert.ok(gzipped < 100_000, `${gzipped} bytes gzipped`);
  });
});
