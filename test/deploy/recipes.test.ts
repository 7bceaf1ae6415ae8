/** deploy/fly and deploy/railway, as far as they can be judged here: nobody has their validators without an account. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configOf, read, root } from './tools.ts';

describe('the recipe for Fly.io', () => {
  const fly = read('deploy/fly/fly.toml');
  const section = (name: string): string => fly.split(/^\[+/m).find((part) => part.startsWith(`${name}]`)) ?? '';
  const values = (text: string): Record<string, string> =>
    Object.fromEntries(
      [...text.matchAll(/^(\w+(?:-\w+)*) = '(.*?)'/gm)].map(([, name, value]) => [name as string, value as string]),
    );

  it('gives the bridge a configuration that is right', () => {
    const { gateway, appservice } = configOf(values(section('env')));
    assert.match(section('http_service'), new RegExp(`^internal_port = ${gateway.listen.port}$`, 'm'));
    assert.match(section('checks.live'), new RegExp(`^port = ${appservice.listen.port}$`, 'm'));
    // The tokens are where the platform writes them.
    const written = [...fly.matchAll(/^guest_path = '(.*)'$/gm)].map(([, path]) => path);
    assert.deepEqual([appservice.as_token_file, appservice.hs_token_file], written);
  });

  it('builds a target that is there, and keeps what the image keeps', () => {
    const { dockerfile, 'build-target': target } = values(section('build'));
    const path = join('deploy/fly', dockerfile ?? '');
    assert.ok(existsSync(join(root, path)));
    assert.match(read(path), new RegExp(`^FROM \\S+ AS ${target}$`, 'm'));
    assert.equal(values(section('mounts'))['destination'], '/volly');
  });

  it('is one machine that is never put to sleep', () => {
    assert.match(section('http_service'), /^auto_stop_machines = 'off'$/m);
    assert.match(section('http_service'), /^min_machines_running = 1$/m);
    assert.match(read('deploy/fly/README.md'), /--ha=false/);
  });
});

describe('the recipe for Railway', () => {
  it('gives the bridge a configuration that is right', () => {
    const lines = [...read('deploy/railway/README.md').matchAll(/^ {3}(VOLLY_\w+)=(.*)$/gm)];
    assert.ok(lines.length > 5);
    const { gateway } = configOf(Object.fromEntries(lines.map(([, name, value]) => [name as string, value as string])));
    assert.match(read('deploy/railway/README.md'), new RegExp(`target port ${gateway.listen.port}`));
  });

  it('builds the image, and starts one bridge as the user that it is made for', () => {
    const { build, deploy } = JSON.parse(read('deploy/railway/railway.json'));
    assert.ok(existsSync(join(root, build.dockerfilePath)));
    assert.equal(deploy.numReplicas, 1);
    assert.match(deploy.startCommand, /setpriv --reuid=node .*volly-bridge registration && exec volly-bridge start/);
  });
});
