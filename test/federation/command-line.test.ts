/** What an operator types and sees: from a registration to a bridge that serves, and every common mistake in one line. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { MatrixClient } from '../support/homeserver/client.ts';
import { HOST, isFree, reservePorts } from '../support/homeserver/ports.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';

const root = new URL('../../', import.meta.url).pathname;
const program = join(root, 'src/bin.js');
const AWAY = 'not receiving from the homeserver; trying again';
/** "At most some seconds", compose/bridge.ts; a supervisor that waits 10 s must not have to kill it. */
const STOP_MS = 8_000;

/** One run of a program, with all that it printed. */
class Run {
  readonly child: ChildProcess;
  out = '';
  err = '';
  /** The exit code; null where a signal ended it. */
  readonly code: Promise<number | null>;

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.code = once(this.child, 'close').then(([code]) => code);
    running.add(this);
    void this.code.then(() => running.delete(this));
  }

  /** How many log lines tell of this. */
  told(event: string): number {
    return this.out.split('\n').filter((line) => line !== '' && JSON.parse(line).msg === event).length;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; ms: number }> {
    const started = performance.now();
    this.child.kill(signal);
    return { code: await this.code, ms: performance.now() - started };
  }
}

const running = new Set<Run>();
const volly = (...args: readonly string[]): Run => new Run(process.execPath, [program, ...args]);

async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms / 1_000} s: ${what}`);
    await sleep(25);
  }
}

async function status(url: string): Promise<number | undefined> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status;
}

/** Ends with 1 and says just this: one line, on standard error. */
async function failsWith(run: Run, line: RegExp): Promise<void> {
  assert.equal(await run.code, 1, run.err);
  assert.match(run.err, /^[^\n]+\n$/, 'one line');
  assert.match(run.err, line);
}

interface Setup {
  readonly config: string;
  readonly registration: string;
  readonly appservice: string;
  readonly gateway: string;
  readonly ports: readonly number[];
}

describe('The command line', function () {
  this.timeout(120_000); // the first run on a machine installs Synapse
  let folder: string;
  let synapse: Synapse;

  /** A configuration in a folder of its own, as an operator would write it: only what has no default or must not meet others. */
  const setUp = async (name: string, homeserver = synapse.clientUrl): Promise<Setup> => {
    const [appservice, gateway, admin] = await reservePorts();
    const config = join(folder, name, 'config.yaml');
    const content = {
      homeserver: { url: homeserver, server_name: synapse.serverName },
      appservice: { url: `http://${HOST}:${appservice}`, listen: { port: appservice } },
      gateway: { public_url: `ws://${HOST}:${gateway}`, listen: { port: gateway } },
      admin: { listen: { port: admin } },
    };
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, stringify(content));
    return {
      config,
      registration: join(folder, name, 'data/registration.yaml'),
      appservice: `http://${HOST}:${appservice}`,
      gateway: `http://${HOST}:${gateway}`,
      ports: [appservice, gateway, admin],
    };
  };
  const register = async ({ config, registration }: Setup): Promise<void> => {
    const run = volly('registration', '--config', config);
    assert.equal(await run.code, 0, run.err);
    assert.ok(run.out.startsWith(`${registration}: written\n`), run.out);
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'volly-command-line-'));
    synapse = await prepareSynapse({ name: 'orchid', dir: join(folder, 'synapse'), authority: createAuthority() });
  });
  after(async () => {
    for (const run of running) run.child.kill('SIGKILL');
    await synapse?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('with a registration that it wrote', () => {
    let setup: Setup;
    let bridge: Run;
    const ready = () => status(`${setup.appservice}/ready`);
    before(async () => {
      setup = await setUp('good');
      await register(setup);
    });

    it('writes the registration for its owner’s eyes, once', async () => {
      assert.equal(statSync(setup.registration).mode & 0o777, 0o600);
      const before = readFileSync(setup.registration, 'utf8');
      const again = volly('registration', '--config', setup.config);
      assert.equal(await again.code, 0);
      assert.equal(again.out, `${setup.registration}: unchanged\n`);
      assert.equal(readFileSync(setup.registration, 'utf8'), before);
    });

    it('starts without a homeserver, says so in one line, tries again, and is not ready', async () => {
      bridge = volly('start', '--config', setup.config);
      await until('the line', () => bridge.told(AWAY) > 0);
      assert.equal(await status(`${setup.appservice}/live`), 200);
      assert.equal(await ready(), 503);
      // Something that answers to nothing, to count the tries.
      let tries = 0;
      const deaf = createServer((socket) => {
        tries++;
        socket.destroy();
      }).listen(Number(new URL(synapse.clientUrl).port), HOST);
      await until('it tries again', () => tries >= 3);
      deaf.close();
      await once(deaf, 'close');
      assert.equal(bridge.told(AWAY), 1, bridge.out);
      assert.equal(await ready(), 503);
      assert.equal(bridge.err, '');
    });

    it('serves when a Synapse comes that was configured with the registration, and accepts it', async () => {
      await synapse.start({ appservices: [setup.registration] });
      await until('ready', async () => (await ready()) === 200);
      // Apps find the gateway, which speaks nothing but WebSocket.
      assert.equal(await status(setup.gateway), 426);
      // Both tokens and both addresses: we call Synapse with the one, and it calls the bridge with the other.
      const { id, as_token, sender_localpart } = parse(readFileSync(setup.registration, 'utf8'));
      const service = new MatrixClient(synapse.clientUrl, as_token);
      const { user_id } = await service.request('GET', '/_matrix/client/v3/account/whoami');
      assert.equal(user_id, `@${sender_localpart}:${synapse.serverName}`);
      const { duration_ms } = await service.request('POST', `/_matrix/client/v1/appservice/${id}/ping`, {});
      assert.ok(Number.isInteger(duration_ms));
      const device = `/_matrix/client/v3/devices/VOLLY?user_id=${encodeURIComponent(`@_volly.bridge:${synapse.serverName}`)}`;
      assert.equal((await service.request('GET', device))['device_id'], 'VOLLY');
    });

    it('shows its status to its operator, as a page and as JSON, and to nobody without the token', async () => {
      const page = volly('status', '--config', setup.config);
      assert.equal(await page.code, 0, page.err);
      assert.match(page.out, new RegExp(`^Volly bridge [0-9.]+ of ${synapse.serverName}, up `));
      assert.match(page.out, / software +Synapse\/1\.\d+/);
      assert.match(page.out, / read by +as_token, proven by a message to itself\n +receiving +yes; last answer /);
      const json = volly('status', '--json', '--config', setup.config);
      assert.equal(await json.code, 0, json.err);
      const { homeserver, counts, peers } = JSON.parse(json.out);
      assert.equal(homeserver.url, synapse.clientUrl);
      assert.ok(homeserver.lagMs >= 0 && homeserver.lagMs < 2_000, homeserver.lagMs);
      assert.deepEqual([counts.outbox, counts.inbox, counts.quarantine, peers], [0, 0, 0, []]);
      const token = join(dirname(setup.registration), 'admin.token');
      assert.equal(statSync(token).mode & 0o777, 0o600);
      for (const text of [page.out, json.out, bridge.out]) assert.ok(!text.includes(readFileSync(token, 'utf8').trim()));
      assert.equal(await status(`http://${HOST}:${setup.ports[2]}/admin/v1/status`), 401);
      assert.equal(await status(`${setup.appservice}/status`), 404);
      const metrics = await (await fetch(`${setup.appservice}/metrics`)).text();
      assert.match(metrics, /\nvolly_homeserver_ready 1\n/);
    });

    it('is not ready while the homeserver is away, says so once more, and mends by itself', async () => {
      await synapse.stop();
      await until('not ready', async () => (await ready()) === 503, 30_000);
      assert.equal(await status(`${setup.appservice}/live`), 200);
      await synapse.start();
      await until('ready again', async () => (await ready()) === 200, 30_000);
      assert.equal(bridge.told(AWAY), 2, bridge.out);
    });

    it('leaves with 0 on SIGTERM and SIGINT, and its ports are free', async () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const { code, ms } = await bridge.stop(signal);
        assert.equal(code, 0, bridge.err);
        assert.ok(ms < STOP_MS, `${ms} ms`);
        assert.equal(bridge.err, '');
        assert.deepEqual(await Promise.all(setup.ports.map(isFree)), [true, true, true]);
        if (signal === 'SIGINT') break;
        bridge = volly('start', '--config', setup.config);
        await until('ready', async () => (await ready()) === 200);
      }
    });

    it('leaves as fast when the homeserver takes connections and answers nothing', async () => {
      const held = new Set<Socket>();
      const hole = createServer((socket) => held.add(socket)).listen(0, HOST);
      await once(hole, 'listening');
      const { port } = hole.address() as { port: number };
      const stuck = await setUp('stuck', `http://${HOST}:${port}`);
      await register(stuck);
      const run = volly('start', '--config', stuck.config);
      await until('a connection', () => held.size > 0);
      await until('alive', async () => (await status(`${stuck.appservice}/live`)) === 200);
      assert.equal(await status(`${stuck.appservice}/ready`), 503);
      const { code, ms } = await run.stop();
      for (const socket of held) socket.destroy();
      hole.close();
      assert.equal(code, 0, run.err);
      assert.ok(ms < STOP_MS, `${ms} ms`);
    });

    it('ends in one line with tokens that the homeserver does not know', async () => {
      const other = await setUp('other-tokens');
      await register(other);
      const run = volly('start', '--config', other.config);
      await failsWith(run, /^error wrong_token: .+ — .+/);
      assert.equal(run.told(AWAY), 0);
      // No token is shown, not even the wrong one.
      const { as_token, hs_token } = parse(readFileSync(other.registration, 'utf8'));
      for (const token of [as_token, hs_token]) assert.ok(!(run.out + run.err).includes(token));
    });
  });

  describe('with a homeserver that has another hs_token', () => {
    let run: Run;
    after(() => run?.stop());

    it('says so in one line and carries calls all the same', async () => {
      const setup = await setUp('other-hs-token');
      await register(setup);
      const theirs = join(folder, 'other-hs-token/theirs.yaml');
      const registration = parse(readFileSync(setup.registration, 'utf8'));
      writeFileSync(theirs, stringify({ ...registration, hs_token: 'x'.repeat(64) }));
      await synapse.stop();
      await synapse.start({ appservices: [theirs] });
      run = volly('start', '--config', setup.config);
      await until('ready', async () => (await status(`${setup.appservice}/ready`)) === 200);
      const warnings = () => run.out.split('\n').filter((line) => line.includes('"level":"warn"'));
      await until('the line', () => warnings().length > 0);
      assert.match(warnings().join('\n'), /^[^\n]*its registration has another hs_token[^\n]*$/);
    });
  });

  it('ends in one line with the sample’s placeholder tokens, and `registration` mends that', async () => {
    const setup = await setUp('placeholders');
    mkdirSync(dirname(setup.registration));
    copyFileSync(join(root, 'registration.yaml'), setup.registration);
    const line = /^error placeholder_secret: .*registration\.yaml — .*volly-bridge registration/;
    await failsWith(volly('start', '--config', setup.config), line);
    const mend = volly('registration', '--config', setup.config);
    assert.equal(await mend.code, 0);
    assert.doesNotMatch(readFileSync(setup.registration, 'utf8'), /PLACEHOLDER/);
  });

  it('says in one line that no bridge is running', async () => {
    const setup = await setUp('idle');
    const token = join(dirname(setup.registration), 'admin.token');
    await failsWith(volly('status', '--config', setup.config), /^error not_running: .*admin\.token is missing.* — Start it with/);
    mkdirSync(dirname(token));
    writeFileSync(token, 'x'.repeat(43), { mode: 0o600 });
    await failsWith(volly('status', '--config', setup.config), /^error not_running: .*nothing answers at .* — Start it with/);
    chmodSync(token, 0o644);
    await failsWith(volly('status', '--config', setup.config), /^error bad_config: .*admin\.token .* others may read it/);
  });

  it('ends in one line without a registration, without a configuration, and where a port is taken', async () => {
    const setup = await setUp('bare');
    await failsWith(volly('start', '--config', setup.config), /^error bad_config: .*registration\.yaml is missing/);
    await failsWith(volly('start', '--config', join(folder, 'none.yaml')), /^error bad_config: .*none\.yaml cannot be read/);
    await register(setup);
    const taken = createServer().listen(setup.ports[1], HOST);
    await once(taken, 'listening');
    await failsWith(volly('start', '--config', setup.config), new RegExp(`^error port_taken: .*:${setup.ports[1]} EADDRINUSE`));
    taken.close();
  });

  it('ends in one line on an older Node', async () => {
    const old = olderNode();
    if (old !== undefined) return failsWith(new Run(old, [program, 'start']), /^error old_node: .* \(v[0-9.]+\) .*24\.15/);
    console.log('      no older node on PATH: its version is pretended');
    const preload = join(folder, 'older.cjs');
    writeFileSync(
      preload,
      `Object.defineProperty(process, 'version', { value: 'v20.0.0' });
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });`,
    );
    await failsWith(new Run(process.execPath, ['--require', preload, program, 'start']), /^error old_node: .* \(v20\.0\.0\)/);
  });

  it('finds the sample configuration good, and names every mistake in a bad one', async () => {
    const good = volly('config', 'check', 'config.sample.yaml');
    assert.equal(await good.code, 0, good.err);
    assert.equal(good.out, 'config.sample.yaml: good\n');
    const file = join(folder, 'bad.yaml');
    writeFileSync(
      file,
      'homeserver:\n  server_nam: orchid.example\ngateway:\n  public_url: wss://volly.orchid.example\n  legacy: 7\n',
    );
    const bad = volly('config', 'check', file);
    assert.equal(await bad.code, 1);
    const lines = bad.err.trimEnd().split('\n');
    assert.ok(lines.every((line) => line.startsWith(`error bad_config: ${file}:`)));
    assert.deepEqual(
      lines.map((line) => line.split(':')[2]),
      ['2', '5'],
    );
  });

  it('runs as `npm exec -- volly-bridge` in a clone, offline', async () => {
    // An empty cache: nothing that an earlier run left there can help.
    const env = { ...process.env, npm_config_cache: join(folder, 'npm') };
    const run = new Run('npm', ['exec', '--offline', '--', 'volly-bridge', '--version'], env);
    assert.equal(await run.code, 0, run.err);
    assert.equal(run.out.trim(), JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
  });
});

/** Outside node_modules, where this project keeps its own. */
function olderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => place !== '' && !place.includes('node_modules'))
    .map((place) => join(place, 'node'))
    .filter((file) => existsSync(file))
    .find((file) => {
      const [major = 0, minor = 0] = execFileSync(file, ['--version'], { encoding: 'utf8' }).slice(1).split('.').map(Number);
      return major < 24 || (major === 24 && minor < 15);
    });
}
