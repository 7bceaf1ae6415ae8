import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAuthority, type TestAuthority } from '../support/homeserver/certificates.ts';
import { type Json, MatrixClient, MatrixError, registerUser } from '../support/homeserver/client.ts';
import { isFree } from '../support/homeserver/ports.ts';
import { prepareSynapse, type Synapse, startSynapse } from '../support/homeserver/synapse.ts';

const PARENT = fileURLToPath(new URL('../support/homeserver/parent.fixture.ts', import.meta.url));
const DEVICE = 'VOLLY';
const USERS = ['@_volly_.*', '@_volly\\.bridge'].map((regex) => ({ exclusive: true, regex }));
const TOKENS = { as_token: 'as-token-of-a-test', hs_token: 'hs-token-of-a-test' };
// Without a url: everything comes by /sync.
const REGISTRATION = { id: 'volly', url: null, sender_localpart: '_volly.as', ...TOKENS, namespaces: { users: USERS } };

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const portOf = (address: string): number => Number(address.split(':').at(-1));
const bridgeUser = (synapse: Synapse): string => `@_volly.bridge:${synapse.serverName}`;
const asBridge = (synapse: Synapse): string =>
  new URLSearchParams({ user_id: bridgeUser(synapse), device_id: DEVICE }).toString();

/** The bridge user with its device, as the bridge makes it. */
async function registerBridge(synapse: Synapse): Promise<MatrixClient> {
  const client = new MatrixClient(synapse.clientUrl, TOKENS.as_token);
  const login = { type: 'm.login.application_service', username: '_volly.bridge', inhibit_login: true };
  await client.request('POST', '/_matrix/client/v3/register', login);
  const user = new URLSearchParams({ user_id: bridgeUser(synapse) });
  await client.request('PUT', `/_matrix/client/v3/devices/${DEVICE}?${user}`, {});
  return client;
}

async function receive(client: MatrixClient, synapse: Synapse): Promise<Json> {
  const path = `/_matrix/client/v3/sync?${asBridge(synapse)}&set_presence=offline`;
  let since = '';
  for (;;) {
    const answer = await client.request(
      'GET',
      `${path}&timeout=10000${since}`,
      undefined,
      undefined,
      AbortSignal.timeout(15_000),
    );
    const [event] = answer['to_device']?.events ?? [];
    if (event !== undefined) return event;
    since = `&since=${answer['next_batch']}`;
  }
}

describe('A real Synapse', function () {
  this.timeout(120_000); // the first run on a machine installs Synapse
  let folder: string;
  let authority: TestAuthority;
  const all: Synapse[] = [];

  const registered = async (name: string, of: TestAuthority = authority): Promise<Synapse> => {
    const synapse = await prepareSynapse({ name, dir: join(folder, `${name}-${all.length}`), authority: of });
    all.push(synapse);
    const file = join(synapse.dir, 'registration.yaml');
    await writeFile(file, JSON.stringify(REGISTRATION));
    return synapse.start({ appservices: [file] });
  };
  const pair = (of?: TestAuthority) => Promise.all([registered('orchid', of), registered('lotus', of)]);

  let orchid: Synapse;
  let lotus: Synapse;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-homeserver-'));
    authority = createAuthority();
    [orchid, lotus] = await pair();
  });
  after(async () => {
    await Promise.all(all.map((synapse) => synapse.kill()));
    await rm(folder, { recursive: true, force: true });
  });

  it('carries a to-device event from its bridge user to that of another server', async () => {
    const [sender, receiver] = await Promise.all([registerBridge(orchid), registerBridge(lotus)]);
    const arrival = receive(receiver, lotus);
    const content = { envelopes: ['sealed'] };
    const path = `/_matrix/client/v3/sendToDevice/app.volly.call.offer/1?${asBridge(orchid)}`;
    await sender.request('PUT', path, { messages: { [bridgeUser(lotus)]: { [DEVICE]: content } } });
    assert.deepEqual(await arrival, { type: 'app.volly.call.offer', sender: bridgeUser(orchid), content });
  });

  it('keeps its database, its name and its ports through a restart and a kill', async () => {
    const before = orchid.pid!;
    const { userId, client } = await registerUser(orchid, 'ann');
    const whoami = async () => (await client.request('GET', '/_matrix/client/v3/account/whoami'))['user_id'];
    await orchid.restart();
    assert.equal(isAlive(before), false);
    assert.equal(await whoami(), userId);
    await orchid.kill();
    assert.equal(orchid.pid, undefined);
    await orchid.start();
    assert.equal(await whoami(), userId);
  });

  it('does not meet another pair that runs beside it', async () => {
    const others = await pair(createAuthority());
    assert.equal(new Set([orchid, lotus, ...others].flatMap((one) => [one.serverName, one.clientUrl])).size, 8);
    const { client } = await registerUser(others[0], 'eve');
    const profile = (of: Synapse) => client.request('GET', `/_matrix/client/v3/profile/${encodeURIComponent(bridgeUser(of))}`);
    await registerBridge(others[1]);
    await profile(others[1]);
    // The same question to a server of the first pair, whose authority this one does not trust.
    await assert.rejects(profile(lotus), (error) => error instanceof MatrixError && error.status >= 500);
    await Promise.all(others.map((one) => one.stop()));
  });

  it('leaves no process and no open port when it stops', async () => {
    const pid = lotus.pid!;
    const ports = [lotus.serverName, lotus.clientUrl].map(portOf);
    assert.deepEqual(await Promise.all(ports.map(isFree)), [false, false]);
    await lotus.stop();
    assert.equal(isAlive(pid), false);
    assert.deepEqual(await Promise.all(ports.map(isFree)), [true, true]);
  });

  it('ends with the process that started it, even if that one is killed', async () => {
    const parent = spawn(process.execPath, [PARENT, join(folder, 'bound')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [clientUrl] = await once(createInterface(parent.stdout), 'line');
    const port = portOf(clientUrl);
    assert.equal(await isFree(port), false);
    parent.kill('SIGKILL');
    // By its port: in a container whose first process reaps nothing, its id stays.
    for (let i = 0; i < 100 && !(await isFree(port)); i++) await sleep(50);
    assert.ok(await isFree(port));
  });

  it('that cannot start says so with the end of its log, and keeps the log', async () => {
    const dir = join(folder, 'broken');
    const overrides = { database: { name: 'sqlite3', args: { database: join(dir, 'missing', 'homeserver.db') } } };
    const start = startSynapse({ name: 'broken', dir, authority, overrides });
    await assert.rejects(start, /Synapse broken ended while starting[\s\S]*unable to open database file/);
    assert.match(await readFile(join(dir, 'homeserver.log'), 'utf8'), /unable to open database file/);
  });
});
