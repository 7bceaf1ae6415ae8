/**
 * `volly-bridge setup` on two fresh Synapses: the lines that it prints, and nothing else, are added to homeserver.yaml; then a call works.
 * Its single steps are in test/ops/setup*.test.ts.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Community } from '../support/community.ts';
import { createAuthority, type TestAuthority } from '../support/homeserver/certificates.ts';
import { reservePorts } from '../support/homeserver/ports.ts';
import { prepareSynapse } from '../support/homeserver/synapse.ts';
import { enrol, type Person } from '../support/people.ts';
import { converse, hangUp } from './conversation.ts';
import { anyFailed } from './pair.ts';
import { SetupRun } from './setup-run.ts';

const program = new URL('../../src/bin.js', import.meta.url).pathname;

describe('Setting up on a fresh Synapse', () => {
  let folder: string;
  let authority: TestAuthority;
  let orchid: Community;
  const communities: Community[] = [];
  const people: Person[] = [];
  const commands = new Map<Community, string>();

  /** From an empty folder to a bridge that is ready, the way the README tells it. */
  async function setUp(name: string): Promise<Community> {
    const dir = join(folder, name);
    mkdirSync(dir);
    const synapse = await prepareSynapse({ name, dir: join(folder, `${name}-synapse`), authority });
    await synapse.start();
    const [appservice, gateway, admin] = await reservePorts();
    const community = new Community({ name, dir, authority }, synapse, { appservice, gateway }, []);
    communities.push(community);
    const command = [
      `${process.execPath} ${program} setup --non-interactive --homeserver-url ${synapse.clientUrl} --server-name ${synapse.serverName}`,
      `--public-url ${community.gatewayUrl} --appservice-port ${appservice} --gateway-port ${gateway} --admin-port ${admin} --wait 60`,
    ].join(' ');
    commands.set(community, command);
    await new SetupRun(command, dir, synapse).helpedWith(synapse, join(dir, 'data'));
    assert.deepEqual([readdirSync(dir), readdirSync(join(dir, 'data'))], [['config.yaml', 'data'], ['registration.yaml']]);
    await community.startBridge();
    return community;
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-setup-'));
    authority = createAuthority();
  });
  after(async function () {
    for (const { client } of people) await client.close();
    await Promise.all(communities.map((community) => community.stop()));
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else rmSync(folder, { recursive: true });
  });

  it('ends with two communities that call each other, and no other line was written by hand', async () => {
    let maple: Community;
    [orchid, maple] = await Promise.all([setUp('orchid'), setUp('maple')]);
    const [alice, bob] = await Promise.all([enrol(orchid, 'alice'), enrol(maple, 'bob')]);
    people.push(alice, bob);
    const conversation = await converse(alice, bob);
    assert.equal(await conversation.echo('hello'), 'hello');
    await hangUp(conversation, 'caller');
  });

  it('changes nothing when it runs again, beside the running bridge, and ends well', async () => {
    const files = () => [orchid.configPath, orchid.registrationPath].map((file) => readFileSync(file, 'utf8'));
    const before = files();
    const run = new SetupRun(commands.get(orchid)!, orchid.dir, orchid.synapse);
    await run.endsWell();
    assert.equal(run.lines, '');
    assert.match(run.out, /config\.yaml: there and good; going on with it\n.*registration\.yaml: unchanged\n/);
    assert.deepEqual(files(), before);
  });

  it('does not end well where the doctor finds something', async () => {
    const run = new SetupRun(commands.get(orchid)!, orchid.dir, { ca: undefined });
    assert.equal(await run.ends(), 1);
    assert.match(run.out, /\n {4}cause: .*\[certificate_untrusted\]\n[\s\S]*\nNext:\n {2}- Mend what the doctor has found/);
    assert.equal(run.err, '');
  });

  it('is told by the homeserver that its name is another', async () => {
    const dir = join(folder, 'misnamed');
    mkdirSync(join(dir, 'data'), { recursive: true });
    copyFileSync(orchid.registrationPath, join(dir, 'data/registration.yaml'));
    const command = commands
      .get(orchid)!
      .replace(/--server-name \S+/, '--server-name rose.example')
      .replaceAll(/--\S+-port \S+/g, '');
    const run = new SetupRun(command, dir, orchid.synapse);
    assert.equal(await run.ends(), 1);
    assert.match(run.err, /^error bad_config: .*server_name is rose\.example; the homeserver says localhost:\d+ — [^\n]*\n$/);
  });
});
