/**
 * The doctor on real Synapses with real bridges: no false alarm where all is well, and the right cause for what only a real homeserver can
 * answer. No experimental flag of Synapse is on, here as everywhere. The other broken set-ups are in test/ops/doctor/table.test.ts.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { systemRandom } from '../../src/clock.ts';
import { examine } from '../../src/compose/doctor.ts';
import { loadConfig } from '../../src/config/load.ts';
import { writeRegistration } from '../../src/config/registration-file.ts';
import { parseServerName } from '../../src/ids.ts';
import type { Finding } from '../../src/ops/doctor/finding.ts';
import { trusting } from '../ops/doctor/trusting.ts';
import { type Community, startCommunity } from '../support/community.ts';
import { HOST, reservePorts } from '../support/homeserver/ports.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';
import { TurnServer } from '../support/turn-server.ts';

const root = new URL('../../', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
type Yaml = Record<string, Record<string, unknown>>;

/** That a homeserver is slow is true on a machine that runs all this, and no finding of ours. */
const isSlow = ({ code }: Finding): boolean => code === 'slow_homeserver';

async function look(configFile: string, ...peers: string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of examine({ configFile, version, peers: peers.map(parseServerName) })) found.push(finding);
  return found.filter((finding) => !isSlow(finding));
}

const troublesOf = (found: readonly Finding[]): string[] =>
  found.flatMap(({ check, code }) => (code === undefined ? [] : [`${check}:${code}`])).sort();

/** Changes a file for the length of `work`. */
async function changed<T>(file: string, change: (content: Yaml) => unknown, work: () => Promise<T>): Promise<T> {
  const before = readFileSync(file, 'utf8');
  const content = parse(before) as Yaml;
  change(content);
  writeFileSync(file, stringify(content));
  try {
    return await work();
  } finally {
    writeFileSync(file, before);
  }
}

/**
 * What a homeserver may have loaded instead of the bridge's registration. One Synapse has loaded them all, told apart by their as_tokens; so
 * that none shuts the others out, their namespaces are not exclusive there.
 */
const VARIANTS = {
  good: () => ({}),
  'other hs_token': () => ({ hs_token: 'x'.repeat(64) }),
  'dead url': () => ({ url: `http://${HOST}:1` }),
  'other url': (synapse: Synapse) => ({ url: synapse.clientUrl }),
  'other id': () => ({ id: 'another' }),
  'other namespaces': () => ({ namespaces: { users: [{ exclusive: false, regex: '@_other_.*' }], aliases: [], rooms: [] } }),
} as const satisfies Record<string, (synapse: Synapse) => Record<string, unknown>>;
type Variant = keyof typeof VARIANTS;
/** No two may have one. */
const idOf = (variant: Variant | 'unknown'): string => variant.replaceAll(' ', '-');
const tokenOf = (variant: Variant | 'unknown'): string => createHash('sha256').update(variant).digest('hex');

describe('The doctor on a real Synapse', function () {
  this.timeout(180_000);
  const { authority } = trusting();
  let folder: string;
  let turn: TurnServer;
  let orchid: Community;
  let iris: Community;
  /** Has no bridge. */
  let maple: Synapse;
  /** Of a bridge of it that does not run. */
  let configFile: string;
  let registrationFile: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'volly-doctor-'));
    turn = await TurnServer.start(authority.issue());
    const synapse = { turn_uris: Object.values(turn.uris), turn_shared_secret: turn.secret, turn_user_lifetime: '1h' };
    [orchid, iris, maple] = await Promise.all([
      startCommunity({ name: 'orchid', dir: join(folder, 'orchid'), authority, synapse }),
      startCommunity({ name: 'iris', dir: join(folder, 'iris'), authority }),
      prepareSynapse({ name: 'maple', dir: join(folder, 'maple'), authority, overrides: synapse }),
    ]);
    await maple.start({ appservices: await setUpMaple() });
  });

  /** Writes what a bridge of maple would have, and what its homeserver has loaded: paths of the latter. */
  const setUpMaple = async (): Promise<string[]> => {
    const dir = join(folder, 'bare');
    mkdirSync(join(dir, 'data'), { recursive: true, mode: 0o700 });
    configFile = join(dir, 'config.yaml');
    registrationFile = join(dir, 'data/registration.yaml');
    const [appservice, gateway, admin] = await reservePorts();
    const config = {
      homeserver: { url: maple.clientUrl, server_name: maple.serverName },
      appservice: { url: `http://${HOST}:${appservice}`, listen: { port: appservice } },
      gateway: { listen: { port: gateway }, public_url: `ws://${HOST}:${gateway}` },
      admin: { listen: { port: admin } },
    };
    writeFileSync(configFile, stringify(config), { mode: 0o600 });
    writeRegistration(loadConfig(configFile), systemRandom);
    return Object.entries(VARIANTS).map(([name, change]) => {
      const registration = parse(readFileSync(registrationFile, 'utf8'));
      for (const user of registration.namespaces.users) user.exclusive = false;
      const file = join(folder, `${name}.yaml`);
      const own = { id: idOf(name as Variant), as_token: tokenOf(name as Variant) };
      writeFileSync(file, stringify({ ...registration, ...own, ...change(maple) }));
      return file;
    });
  };
  after(async () => {
    await Promise.all([orchid?.stop(), iris?.stop(), maple?.stop(), turn?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  describe('with a bridge that runs', () => {
    it('finds nothing, and has tried everything', async () => {
      const found = await look(orchid.configPath, iris.serverName);
      assert.deepEqual(
        found.filter(({ result }) => result !== 'ok'),
        [],
      );
      assert.match(found.find(({ check }) => check === 'software')?.found ?? '', /^Synapse\/1\.\d+/);
      assert.match(
        found.find(({ check }) => check === 'peer_bridge')?.found ?? '',
        /^a hello there and back took at most \d+ ms/,
      );
      assert.match(found.find(({ check }) => check === 'turn')?.found ?? '', /(turns?:\S+: works, \d+ ms(; )?){3}$/);
    });

    it('names a missing TURN where there is none, and nothing else', async () => {
      assert.deepEqual(troublesOf(await look(iris.configPath, orchid.serverName)), ['turn:turn_missing']);
    });

    it('names another TURN secret, and a TURN server over its quota', async () => {
      const { secret } = turn;
      turn.secret = 'another';
      const differs = await look(orchid.configPath);
      turn.secret = secret;
      assert.deepEqual(troublesOf(differs), ['turn:turn_secret_differs']);
      turn.refusal = 486;
      const full = await look(orchid.configPath);
      turn.refusal = undefined;
      assert.deepEqual(troublesOf(full), ['turn:turn_refused']);
    });

    it('names a peer that nobody reaches, one without a bridge, and one that policy denies', async () => {
      const found = await look(orchid.configPath, 'localhost:1', maple.serverName);
      assert.deepEqual(troublesOf(found), ['peer:peer_unreachable', 'peer_bridge:peer_without_bridge']);
      const deny = (config: Yaml) => (config['policy'] = { deny: [iris.serverName] });
      const denied = await changed(orchid.configPath, deny, () => look(orchid.configPath, iris.serverName));
      assert.deepEqual(troublesOf(denied), ['peer:peer_denied']);
    });

    it('names a peer whose bridge is stopped', async () => {
      await iris.stopBridge();
      const found = await look(orchid.configPath, iris.serverName);
      await iris.startBridge();
      assert.deepEqual(troublesOf(found), ['peer_bridge:peer_silent']);
    });

    it('tells it on the command line: a page, JSON, and how it ends', async () => {
      const run = (...args: string[]) =>
        new Promise<{ code: number; out: string; err: string }>((resolve) => {
          const env = { ...process.env, NODE_EXTRA_CA_CERTS: orchid.homeserver.ca };
          const all = [join(root, 'src/bin.js'), 'doctor', '--config', orchid.configPath, ...args];
          execFile(process.execPath, all, { env }, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }));
        });
      const [page, json, failing, usage] = await Promise.all([
        run('--peer', iris.serverName),
        run('--json'),
        run('--peer', 'localhost:1'),
        run('--peer', 'no server'),
      ]);
      assert.deepEqual([page.code, json.code, failing.code, usage.code], [0, 0, 1, 2], page.out + page.err);
      assert.match(page.out, /^✔ Node\.js +24\.[\s\S]*\n✔ Peer [\s\S]*\n(All good|0 failed, .*)\.\n$/);
      assert.match(failing.out, /\n✖ Peer localhost:1 .*\n {4}cause: .+ \[peer_unreachable\]\n {4}cure: {2}.+\n/);
      const told = JSON.parse(json.out) as { version: string; findings: Finding[] };
      assert.equal(told.version, version);
      assert.ok(told.findings.length > 20 && told.findings.every((finding) => finding.result === 'ok' || isSlow(finding)));
      const { as_token, hs_token } = parse(readFileSync(orchid.registrationPath, 'utf8'));
      const key = readFileSync(orchid.keyPath, 'utf8').trim().split(' ')[1]!;
      for (const secret of [as_token, hs_token, key, turn.secret])
        assert.ok(![page, json].some(({ out }) => out.includes(secret)));
    });

    it('names a bridge that hangs, and one whose homeserver is gone', async () => {
      const pid = orchid.bridgePid!;
      process.kill(pid, 'SIGSTOP');
      const hangs = await look(orchid.configPath).finally(() => process.kill(pid, 'SIGCONT'));
      assert.deepEqual(troublesOf(hangs), ['bridge:database_held']);
      await orchid.synapse.stop();
      const gone = await look(orchid.configPath);
      await orchid.synapse.start();
      assert.deepEqual(troublesOf(gone), ['homeserver:homeserver_down']);
    });
  });

  describe('without a bridge that runs', () => {
    const NOT_RUNNING = 'bridge:bridge_not_running';
    /** The bridge has a registration with this id and as_token; what the homeserver has loaded with them is another matter. */
    const names = async (variant: Variant | 'unknown', ...expected: string[]): Promise<readonly Finding[]> => {
      const id = idOf(variant);
      const mine = { id, as_token: tokenOf(variant) };
      const found = await changed(
        configFile,
        (config) => Object.assign(config['appservice']!, { id }),
        () =>
          changed(
            registrationFile,
            (registration) => Object.assign(registration, mine),
            () => look(configFile),
          ),
      );
      assert.deepEqual(troublesOf(found), [NOT_RUNNING, ...expected].sort());
      return found;
    };

    it('finds nothing but that, and makes the bridge user by itself', async () => {
      const found = await names('good');
      assert.ok(!found.some(({ check, result }) => check === 'receiving' && result !== 'ok'));
      assert.match(found.find(({ check }) => check === 'ping')?.found ?? '', /^reaches http/);
    });

    it('names a homeserver that has not loaded the registration, or another as_token', () =>
      names('unknown', 'as_token:as_token_unknown'));
    it('names another hs_token there', () => names('other hs_token', 'ping:hs_token_differs'));
    it('names an address there where nobody listens', () => names('dead url', 'ping:appservice_url_unreachable'));
    it('names an address there where another program listens', () => names('other url', 'ping:appservice_url_is_another'));
    it('names another id there', () => names('other id', 'ping:appservice_id_differs'));
    it('names other namespaces there', () => names('other namespaces', 'bridge_user:user_refused'));

    it('names another server_name, with a registration made for that', async () => {
      const before = readFileSync(registrationFile, 'utf8');
      const rename = (config: Yaml) => (config['homeserver']!['server_name'] = 'iris.example');
      await changed(configFile, rename, async () => {
        writeRegistration(loadConfig(configFile), systemRandom);
        await names('good', 'server_name:server_name_differs');
      });
      writeFileSync(registrationFile, before, { mode: 0o600 });
    });
  });
});
