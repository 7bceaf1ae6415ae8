/** `volly-bridge setup` as it is typed, where nobody can be asked and no homeserver answers; with one in test/federation/setup.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';

const program = new URL('../../src/bin.js', import.meta.url).pathname;
/** Nobody listens there; of port 1 fetch itself says no. */
const NOBODY = 'http://127.0.0.1:2';

describe('The setup command', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'volly-setup-command-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const setup = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'setup', ...args], { cwd: dir, encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };
  const named = ['--homeserver-url', NOBODY, '--server-name', 'orchid.example', '--public-url', 'wss://volly.orchid.example'];

  it('asks nothing without a terminal, and says in one line what it needs', () => {
    const { status, err } = setup('--homeserver-url', NOBODY);
    assert.equal(status, 1);
    assert.match(err, /^error bad_answer: [^\n]*: --server-name, --public-url — [^\n]*\n$/);
    assert.deepEqual(readdirSync(dir), []);
  });

  it('takes paths as the shell does: from where it is typed, wherever the configuration is', () => {
    const { status, out, err } = setup(...named, '--registration', 'there/r.yaml', '--config', 'sub dir/v.yaml', '--no-wait');
    assert.equal(status, 0, err);
    const config = loadConfig(join(dir, 'sub dir/v.yaml'));
    assert.equal(config.appservice.registration, join(dir, 'there/r.yaml'));
    assert.ok(existsSync(config.appservice.registration));
    assert.match(out, /\napp_service_config_files:\n {2}- .*there\/r\.yaml\n\n/);
  });

  it('gives up after the time that --wait says, and goes on with --force only over what is there', () => {
    const { status, out, err } = setup(...named, '--wait', '0');
    assert.equal(status, 1);
    assert.match(out, /What to check:/);
    assert.match(err, /^error homeserver_absent: [^\n]*, for 0 s — [^\n]*\n$/);
    assert.match(setup(...named, '--legacy', '--no-wait').err, /^error config_exists: /);
    assert.equal(setup(...named, '--legacy', '--no-wait', '--force').status, 0);
    assert.equal(loadConfig(join(dir, 'config.yaml')).gateway.legacy, true);
  });

  it('refuses a time that is none, and names its own help', () => {
    const { status, err } = setup(...named, '--wait', 'long');
    assert.equal(status, 1);
    assert.match(err, /whole number of seconds[^\n]*\nTry `volly-bridge setup --help`\.\n$/);
  });
});
