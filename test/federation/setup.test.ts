/**
 * `volly-bridge setup` on two fresh Synapses: the lines that it prints, and nothing else, are added to homeserver.yaml; then a call works.
 * Its single steps are in test/ops/setup*.test.ts.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Community } from '../support/community.ts';
import { createAuthority, type TestAuthority } from '../support/homeserver/certificates.ts';
import { reservePorts } from '../support/homeserver/ports.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';
import { enrol, type Person, within } from '../support/people.ts';
import { converse, hangUp } from './conversation.ts';
import { anyFailed } from './pair.ts';

const program = new URL('../../src/bin.js', import.meta.url).pathname;
const SETUP_MS = 60_000;

/** One run of the command in a folder, as an operator sees it. */
class SetupRun {
  readonly child: ChildProcess;
  readonly code: Promise<number | null>;
  out = '';
  err = '';

  constructor(folder: string, synapse: Synapse, flags: readonly string[]) {
    const args = [program, 'setup', '--non-interactive', '--homeserver-url', synapse.clientUrl, ...flags];
    // The doctor looks at federation as another server would, and this one's authority is known to tests alone.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: synapse.ca };
    this.child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.code = once(this.child, 'close').then(([code]) => code);
    void this.code.then(() => running.delete(this.child));
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
  }

  /** Resolves when it has printed this. */
  async says(text: string): Promise<void> {
    while (!this.out.includes(text)) {
      const ended = await Promise.race([this.code.then(() => true), once(this.child.stdout!, 'data').then(() => false)]);
      assert.ok(!ended || this.out.includes(text), `it ended without “${text}”:\n${this.out}${this.err}`);
    }
  }

  async endsWell(): Promise<void> {
    assert.equal(await within('setup ends', this.code, SETUP_MS), 0, this.out + this.err);
    assert.equal(this.err, '');
  }
}

const running = new Set<ChildProcess>();
/** What stands between the line that announces it and the next empty line but one. */
const printedLines = (out: string): string =>
  /^Add these lines to homeserver\.yaml [^\n]*:\n\n([\s\S]*?\n)\n/m.exec(out)?.[1] ?? '';

describe('Setting up on a fresh Synapse', () => {
  let folder: string;
  let authority: TestAuthority;
  const communities: Community[] = [];
  const people: Person[] = [];
  const flagsOf = new Map<Community, readonly string[]>();

  /** From an empty folder to a bridge that is ready, the way the README tells it. */
  async function setUp(name: string): Promise<Community> {
    const dir = join(folder, name);
    mkdirSync(dir);
    const synapse = await prepareSynapse({ name, dir: join(folder, `${name}-synapse`), authority });
    await synapse.start();
    const [appservice, gateway, admin] = await reservePorts();
    const community = new Community({ name, dir, authority }, synapse, { appservice, gateway }, []);
    communities.push(community);
    const flags = [
      ...['--server-name', synapse.serverName, '--public-url', community.gatewayUrl, '--appservice-port', String(appservice)],
      ...['--gateway-port', String(gateway), '--admin-port', String(admin), '--wait', '60'],
    ];
    flagsOf.set(community, flags);

    const run = new SetupRun(dir, synapse, flags);
    await run.says('it answers and does not know this bridge');
    const lines = printedLines(run.out);
    assert.notEqual(lines, '', run.out);
    synapse.append(lines, [join(dir, 'data')]);
    await synapse.restart();
    await run.endsWell();
    assert.ok(readFileSync(join(synapse.dir, 'homeserver.yaml'), 'utf8').endsWith(lines));
    assert.deepEqual([readdirSync(dir), readdirSync(join(dir, 'data'))], [['config.yaml', 'data'], ['registration.yaml']]);
    await community.startBridge();
    return community;
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-setup-'));
    authority = createAuthority();
  });
  after(async function () {
    for (const child of running) child.kill('SIGKILL');
    for (const { client } of people) await client.close();
    await Promise.all(communities.map((community) => community.stop()));
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else rmSync(folder, { recursive: true });
  });

  it('ends with two communities that call each other, and no other line was written by hand', async () => {
    const [orchid, maple] = await Promise.all([setUp('orchid'), setUp('maple')]);
    const [alice, bob] = await Promise.all([enrol(orchid, 'alice'), enrol(maple, 'bob')]);
    people.push(alice, bob);
    const conversation = await converse(alice, bob);
    assert.equal(await conversation.echo('hello'), 'hello');
    await hangUp(conversation, 'caller');
  });

  it('changes nothing when it runs again, beside the running bridge, and ends well', async () => {
    const [orchid] = communities as [Community];
    const files = () => [orchid.configPath, orchid.registrationPath].map((file) => readFileSync(file, 'utf8'));
    const before = files();
    const run = new SetupRun(orchid.dir, orchid.synapse, flagsOf.get(orchid)!);
    await run.endsWell();
    assert.equal(printedLines(run.out), '');
    assert.match(run.out, /config\.yaml: there and good; going on with it\n.*registration\.yaml: unchanged\n/);
    assert.deepEqual(files(), before);
  });

  it('is told by the homeserver that its name is another', async () => {
    const [orchid] = communities as [Community];
    const dir = join(folder, 'misnamed');
    mkdirSync(join(dir, 'data'), { recursive: true });
    copyFileSync(orchid.registrationPath, join(dir, 'data/registration.yaml'));
    const run = new SetupRun(dir, orchid.synapse, ['--server-name', 'rose.example', '--public-url', 'wss://volly.rose.example']);
    assert.equal(await within('setup ends', run.code, SETUP_MS), 1);
    assert.match(run.err, /^error bad_config: .*server_name is rose\.example; the homeserver says localhost:\d+ — [^\n]*\n$/);
  });
});
