/** The program as it is typed, without a homeserver; with one in test/federation. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = new URL('../../src/bin.js', import.meta.url).pathname;

describe('command line', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'volly-command-'));
    writeFileSync(
      join(dir, 'good.yaml'),
      'homeserver: {server_name: orchid.example}\ngateway: {public_url: wss://orchid.example}\n',
    );
    writeFileSync(join(dir, 'bad.yaml'), 'homeserver: {server_name: orchid.example}\ngateway: {public_url: 7, legcay: true}\n');
  });
  after(() => rmSync(dir, { recursive: true }));
  const volly = (args: readonly string[], node: readonly string[] = [], more: NodeJS.ProcessEnv = {}) => {
    const env = { ...process.env, ...more };
    const { status, stdout, stderr } = spawnSync(process.execPath, [...node, program, ...args], {
      cwd: dir,
      env,
      encoding: 'utf8',
    });
    return { status, out: stdout, err: stderr.split('\n').filter((line) => line !== '') };
  };

  it('says in one line that Node.js is too old', () => {
    const old = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '24.14.9' });`;
    const { status, err } = volly(['start'], ['--import', old]);
    assert.equal(status, 1);
    assert.equal(err.length, 1);
    assert.match(err[0] ?? '', /^error old_node: /);
  });

  it('checks a configuration', () => {
    assert.deepEqual(volly(['config', 'check', 'good.yaml']), { status: 0, out: 'good.yaml: good\n', err: [] });
    const { status, err } = volly(['config', 'check', 'bad.yaml']);
    assert.equal(status, 1);
    assert.deepEqual(
      err.map((line) => line.replace(/found.*/, 'found')),
      [
        'error bad_config: bad.yaml:2:23: gateway.public_url found',
        'error bad_config: bad.yaml:2:26: gateway.legcay is unknown; did you mean legacy?',
      ],
    );
  });

  it('checks the configuration that --config names where no other is given, and the environment with it', () => {
    assert.deepEqual(volly(['--config', 'good.yaml', 'config', 'check']), { status: 0, out: 'good.yaml: good\n', err: [] });
    const { status, out, err } = volly(['-c', 'good.yaml', 'config', 'check'], [], { VOLLY_LOGGING__LEVEL: 'loud' });
    assert.deepEqual([status, out], [1, '']);
    assert.deepEqual(err, [
      'error bad_config: VOLLY_LOGGING__LEVEL: logging.level found "loud"; allowed is error, warn, info or debug',
    ]);
    assert.match(
      volly(['config', 'check', 'none.yaml']).err.join(),
      /^error bad_config: .*none\.yaml cannot be read: there is none/,
    );
  });

  it('shows the configuration that holds, which is one itself, and what overrides it', () => {
    const env = { VOLLY_GATEWAY__LISTEN__PORT: '443', VOLLY_POLICY__DENY: '[iris.example]' };
    const { status, out, err } = volly(['--config', 'good.yaml', 'config', 'show'], [], env);
    assert.deepEqual([status, err], [0, []]);
    assert.match(out, /^ {4}# from VOLLY_GATEWAY__LISTEN__PORT\n {4}port: 443\n/m);
    assert.match(out, /^ {2}# from VOLLY_POLICY__DENY\n {2}deny:\n {4}- iris\.example\n/m);
    assert.equal(out.match(/# from/g)?.length, 2);
    writeFileSync(join(dir, 'shown.yaml'), out);
    assert.equal(volly(['--config', 'shown.yaml', 'config', 'show']).out, out.replaceAll(/^ *# from.*\n/gm, ''));
  });

  it('ends with one line, cause and cure, when it cannot start', () => {
    const { status, err } = volly(['start', '--config', 'good.yaml']);
    assert.equal(status, 1);
    assert.equal(err.length, 1);
    assert.match(
      err[0] ?? '',
      /^error bad_config: The configuration is not valid: .*registration\.yaml is missing; .* — Mend the line/,
    );
  });

  it('refuses what it does not know, and shows how to get help', () => {
    const { status, err } = volly(['strat']);
    assert.equal(status, 1);
    assert.match(err.join(' '), /unknown command 'strat'.*start.*--help/);
  });

  it('helps', () => {
    const { status, out } = volly(['--help']);
    assert.equal(status, 0);
    for (const word of ['start', 'registration', 'config', 'member', '--config']) assert.match(out, new RegExp(word));
  });
});
