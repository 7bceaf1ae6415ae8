/** docs/SDK.md: its examples pass the compiler against the SDK, and the reference has a word on all that is exported. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);
const bin = (name: string) => join(root, 'node_modules/.bin', name);

/** Each example by the file it becomes: the one that its comment names, or a number. */
async function examples(): Promise<Map<string, string>> {
  const page = await readFile(join(root, 'docs/SDK.md'), 'utf8');
  const found = [...page.matchAll(/(?:^<!-- file: (\S+) -->\n)?^```ts\n([\s\S]*?)^```$/gm)];
  return new Map(found.map(([, file, code], at) => [file ?? `example-${at + 1}.ts`, code as string]));
}

describe('the SDK’s documents', function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-sdk-docs-'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const source = (file: string) => [join(root, 'src', file)];
    const paths = {
      '@volly/client': source('client/client.ts'),
      '@volly/client/node': source('client/node.ts'),
      '@volly/client/store': source('client/store.ts'),
      '@volly/client/errors': source('errors.ts'),
    };
    const compilerOptions = { paths, lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'], noUnusedLocals: true };
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const compile = () =>
    run(bin('tsc'), ['--noEmit', '-p', folder]).then(
      () => '',
      ({ stdout }) => String(stdout),
    );

  it('holds examples that the compiler takes', async () => {
    const all = await examples();
    assert.ok(all.size >= 9, String(all.size));
    for (const [file, code] of all) await writeFile(join(folder, file), code);
    assert.equal(await compile(), '');
  });

  it('would not hold one that it does not take', async () => {
    await writeFile(join(folder, 'wrong.ts'), `import { VollyClient } from '@volly/client';\nawait VollyClient.connect({});\n`);
    assert.match(await compile(), /^.*wrong\.ts.*error TS\d+: .*missing.*socket, store/);
  });

  it('has a word on everything that the SDK exports', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'node_modules/@typescript/native/package.json'), 'utf8'));
    assert.match(version, /^7\./);
    // typedoc runs on the TypeScript 6 beside it; `tsc` must not become that one.
    assert.match((await run(bin('tsc'), ['--version'])).stdout, /^Version 7\./);
    const reference = ['--options', join(root, 'docs/typedoc.json'), '--emit', 'none', '--logLevel', 'Warn'];
    await run(process.execPath, [bin('typedoc'), ...reference]).catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
  });
});
