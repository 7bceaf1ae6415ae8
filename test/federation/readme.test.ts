/** The README's examples, run as they stand there: a reader's servers and names are exchanged for the test's, nothing else. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority, type TestAuthority } from '../support/homeserver/certificates.ts';
import { reservePorts } from '../support/homeserver/ports.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';
import { SetupRun } from './setup-run.ts';

const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);

async function example(name: string): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const block = readme.split(`<!-- example: ${name} -->\n`)[1]?.match(/^```\w+\n([\s\S]*?)^```$/m)?.[1];
  assert.ok(block, `the README has no example “${name}”`);
  return block;
}

describe('The README', function () {
  this.timeout(120_000);
  let folder: string;
  let authority: TestAuthority;
  let synapse: Synapse;
  let maple: Community;
  let bridge: ChildProcess | undefined;
  let ports: { appservice: number; gateway: number; admin: number };
  const orchid = () => join(folder, 'orchid');

  const endGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-bridge!.pid!, signal);
    } catch {
      // It has ended.
    }
  };

  /** As a reader would type it, in the folder of their configuration. */
  const shell = (command: string) => run('sh', ['-ec', command], { cwd: orchid() });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-readme-'));
    authority = createAuthority();
    const [appservice, gateway, admin] = await reservePorts();
    ports = { appservice, gateway, admin };
    await mkdir(join(orchid(), 'node_modules/.bin'), { recursive: true });
    // What `npx volly-bridge` finds in a clone.
    await symlink(join(root, 'src/bin.js'), join(orchid(), 'node_modules/.bin/volly-bridge'));
    synapse = await prepareSynapse({ name: 'orchid', dir: join(folder, 'synapse'), authority });
  });

  after(async () => {
    if (bridge && bridge.exitCode === null) {
      const exit = once(bridge, 'exit');
      endGroup('SIGTERM');
      await exit;
    }
    await Promise.all([synapse?.stop(), maple?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('sets the bridge up with one’s own Synapse, step by step', async () => {
    const command = (await example('setup'))
      .trim()
      .replace('orchid.example', synapse.serverName)
      .replace('wss://volly.orchid.example', `ws://127.0.0.1:${ports.gateway}`);
    const { appservice, gateway, admin } = ports;
    const elsewhere = `--homeserver-url ${synapse.clientUrl} --appservice-port ${appservice} --gateway-port ${gateway} --admin-port ${admin} --wait 60`;
    await synapse.start();
    await new SetupRun(`${command} ${elsewhere}`, orchid(), synapse).helpedWith(synapse, join(orchid(), 'data'));

    // In a group of its own: `npx` does not pass a signal on, and a reader's Ctrl-C reaches the whole group.
    bridge = spawn('sh', ['-ec', await example('start')], { cwd: orchid(), stdio: 'ignore', detached: true });
    process.once('exit', () => endGroup('SIGKILL')); // also when the run is interrupted
    const ready = () => fetch(`http://127.0.0.1:${ports.appservice}/ready`).then(({ status }) => status === 200);
    for (let tries = 0; !(await ready().catch(() => false)); tries++) {
      assert.ok(tries < 300 && bridge.exitCode === null, 'the bridge did not become ready');
      await sleep(100);
    }
  });

  it('invites a member, who calls a member of another community from the SDK', async () => {
    const { stdout } = await shell(await example('invite'));
    const invite = stdout.trim();
    maple = await startCommunity({ name: 'maple', dir: join(folder, 'maple'), authority });

    // The SDK as it is published, where an app would have it.
    await run(process.execPath, [join(root, 'deploy/build.ts'), join(folder, 'dist')]);
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const app = join(folder, 'app');
    await mkdir(join(app, 'node_modules/@volly'), { recursive: true });
    await symlink(join(folder, 'dist/client'), join(app, 'node_modules/@volly/client'));
    await writeFile(join(app, 'package.json'), '{"type":"module"}');
    await writeFile(join(app, 'callee.ts'), await example('callee'));
    await writeFile(join(app, 'caller.ts'), (await example('caller')).replace('maple.example', maple.serverName));
    const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--skipLibCheck', '--target', 'es2024', '--types', 'node'];
    await run(join(root, 'node_modules/.bin/tsc'), [...strict, 'caller.ts', 'callee.ts'], { cwd: app }).catch(
      ({ stdout: said }) => assert.fail(said),
    );

    const start = (file: string, link: string) => {
      const child = spawn(process.execPath, [file], { cwd: app, env: { ...process.env, VOLLY_INVITE: link } });
      let said = '';
      child.stdout.on('data', (data) => {
        said += data;
      });
      child.stderr.on('data', (data) => {
        said += data;
      });
      return { child, said: () => said };
    };
    const callee = start('callee.ts', await maple.invite('bob'));
    await sleep(1_500); // bob’s app is online; a call to one who is not yet enrolled has nowhere to go
    const caller = start('caller.ts', invite);
    const ends = await Promise.all([caller, callee].map(({ child }) => once(child, 'exit')));
    assert.deepEqual(
      ends.map(([code]) => code),
      [0, 0],
      `caller: ${caller.said()}\ncallee: ${callee.said()}`,
    );
    // Bob's example accepts at once: its answer may overtake the ringing.
    for (const line of ['connected', 'bob: hello', 'ended: hangup']) assert.ok(caller.said().includes(line), caller.said());
    assert.match(callee.said(), /alice@localhost:\d+ calls, for the first time/);
  });
});
