/** The configuration of a real bridge: what it takes over on SIGHUP, what waits, a bad file, and what a container gives it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { parse, stringify } from 'yaml';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { asLike, enrol, type Person, peerConnection } from '../support/people.ts';
import { anyFailed, until } from './pair.ts';

interface Line {
  readonly msg: string;
  readonly applied?: string;
  readonly waiting?: string;
  readonly reason?: string;
}

describe('The configuration of a real bridge', () => {
  const authority = createAuthority();
  let folder: string;
  /** Ends TLS itself. */
  let orchid: Community;
  let maple: Community;
  let bob: Person;
  /** Of the configuration file, as it was written. */
  let base: Record<string, object>;

  const certify = async (): Promise<void> => {
    const { certificate, key } = authority.issue();
    await writeFile(join(folder, 'tls.crt'), certificate);
    await writeFile(join(folder, 'tls.key'), key);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-reload-'));
    await certify();
    const tls = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    [orchid, maple] = await Promise.all([
      startCommunity({ name: 'Orchid', dir: join(folder, 'orchid'), authority, gateway: { tls } }),
      startCommunity({ name: 'Maple', dir: join(folder, 'maple'), authority }),
    ]);
    base = parse(await readFile(orchid.configPath, 'utf8'));
    bob = await enrol(maple, 'bob');
  });
  after(async function () {
    await bob?.client.close();
    await Promise.all([orchid?.stop(), maple?.stop()]);
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  });

  const lines = async (): Promise<readonly Line[]> =>
    (await readFile(orchid.logPath, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .filter(({ msg }: Line) => /reloaded/.test(msg));

  /** Resolves with what the log says of it. */
  const reload = async (config: string): Promise<Line> => {
    const before = (await lines()).length;
    await writeFile(orchid.configPath, config);
    process.kill(orchid.bridgePid!, 'SIGHUP');
    let told: readonly Line[] = [];
    const look = setInterval(async () => {
      told = await lines();
    }, 20);
    await until('the log tells of it', () => told.length > before).finally(() => clearInterval(look));
    return told.at(-1) as Line;
  };
  const refused = async (): Promise<number> =>
    [...(await orchid.counts())]
      .filter(([name]) => name.startsWith('refused_total') && name.includes('code="denied_by_policy"'))
      .reduce((sum, [, times]) => sum + times, 0);
  /** Bob calls somebody of Orchid; there is nobody, which Orchid says if it speaks to Maple at all. */
  const call = async (signal?: AbortSignal): Promise<unknown> => {
    const pc = peerConnection();
    const calling = bob.client.call(`alice@${orchid.serverName}`, { pc: asLike(pc), ...(signal ? { signal } : {}) });
    return calling.catch((error) => error.code ?? error.name).finally(() => pc.close());
  };
  const callsUntilRefused = async (): Promise<void> => {
    const before = await refused();
    const ended = new AbortController();
    const calling = call(ended.signal);
    let now = before;
    const look = setInterval(async () => {
      now = await refused();
    }, 50);
    await until('Orchid refuses it', () => now > before).finally(() => clearInterval(look));
    ended.abort();
    await calling;
  };
  const fingerprint = async (): Promise<string> => {
    const { hostname, port } = new URL(orchid.gatewayUrl);
    const socket = connect({ host: hostname, port: Number(port), ca: authority.certificate });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };

  it('is read again on SIGHUP: a server that is denied by now is refused', async () => {
    assert.equal(await call(), 'unknown_member');
    const { applied, waiting } = await reload(stringify({ ...base, policy: { deny: [maple.serverName] } }));
    assert.deepEqual([applied, waiting], ['policy.deny', 'nothing']);
    await callsUntilRefused();
  });

  it('stays as it was where the new file is bad, and the log says why', async () => {
    const used = await fingerprint();
    const bad = stringify({ ...base, policy: { deny: [] }, logging: { level: 'loud' } });
    const { msg, reason } = await reload(bad);
    assert.match(msg, /not reloaded/);
    assert.match(reason ?? '', /config\.yaml:\d+:\d+: logging\.level found "loud"; allowed is error, warn, info or debug$/);
    await callsUntilRefused();
    assert.equal(await fingerprint(), used);
  });

  it('brings a renewed certificate, and lets the server in again', async () => {
    const used = await fingerprint();
    await certify();
    assert.equal(await fingerprint(), used);
    const { applied } = await reload(stringify(base));
    assert.equal(applied, 'policy.deny');
    assert.notEqual(await fingerprint(), used);
    assert.equal(await call(), 'unknown_member');
  });

  it('has parts that wait for the next start, which the log names; the level of the log is none of these', async () => {
    const pid = orchid.bridgePid;
    const quiet = { ...base, gateway: { ...base['gateway'], legacy: true }, logging: { level: 'error' } };
    const { applied, waiting } = await reload(stringify(quiet));
    assert.deepEqual([applied, waiting], ['logging.level', 'gateway.legacy']);
    const before = (await lines()).length;
    process.kill(orchid.bridgePid!, 'SIGHUP');
    await orchid.counts(); // answered after the signal
    assert.deepEqual([(await lines()).length, orchid.bridgePid], [before, pid]);
  });

  it('may come from the environment, and its tokens from files of their own, with no registration beside it', async () => {
    const { as_token, hs_token } = parse(await readFile(orchid.registrationPath, 'utf8'));
    await writeFile(join(folder, 'as'), `${as_token}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'hs'), `${hs_token}\n`, { mode: 0o600 });
    await rm(orchid.registrationPath);
    await writeFile(orchid.configPath, stringify({ ...base, policy: { deny: [maple.serverName] } }));
    await orchid.stopBridge();
    const variables = {
      VOLLY_APPSERVICE__AS_TOKEN_FILE: join(folder, 'as'),
      VOLLY_APPSERVICE__HS_TOKEN_FILE: join(folder, 'hs'),
      VOLLY_POLICY__DENY: '[]',
    };
    Object.assign(process.env, variables);
    try {
      await orchid.startBridge();
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
    assert.equal(await call(), 'unknown_member');
  });
});
