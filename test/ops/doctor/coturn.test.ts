/** Trying a TURN server, on coturn, which is what operators run; where it is not on this machine, test/support/turn-server.ts must do. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryTurn } from '../../../src/ops/doctor/turn.ts';
import { parseTurnUri } from '../../../src/ops/doctor/turn-uri.ts';
import { HOST, reservePorts } from '../../support/homeserver/ports.ts';
import { onPath } from '../../support/homeserver/run.ts';
import { turnCredentials } from '../../support/turn-server.ts';
import { trusting } from './trusting.ts';

const SECRET = 'shared with the homeserver';
const START_MS = 10_000;

describe('Trying coturn', () => {
  const { authority } = trusting();
  let folder: string;
  let coturn: ChildProcess | undefined;
  let uris: Readonly<Record<'udp' | 'tcp' | 'tls', string>>;

  before(async function () {
    const program = onPath('turnserver');
    if (program === undefined) {
      console.log('      skipped: no turnserver on PATH (package coturn)');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'volly-coturn-'));
    const { certificate, key } = authority.issue();
    writeFileSync(join(folder, 'tls.crt'), certificate);
    writeFileSync(join(folder, 'tls.key'), key);
    const [port, tlsPort] = await reservePorts();
    const flags = {
      ...{ 'listening-ip': HOST, 'relay-ip': HOST, 'listening-port': port, 'tls-listening-port': tlsPort, realm: 'turn.test' },
      ...{ 'static-auth-secret': SECRET, cert: join(folder, 'tls.crt'), pkey: join(folder, 'tls.key') },
      ...{ userdb: join(folder, 'turndb'), pidfile: join(folder, 'pid'), 'log-file': 'stdout' },
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    coturn = spawn(program, ['-n', '--use-auth-secret', '--no-cli', ...args], { stdio: 'ignore' });
    uris = {
      udp: `turn:${HOST}:${port}?transport=udp`,
      tcp: `turn:${HOST}:${port}?transport=tcp`,
      tls: `turns:localhost:${tlsPort}?transport=tcp`,
    };
    for (const end = performance.now() + START_MS; !(await listens(tlsPort)); await sleep(50))
      if (performance.now() > end) throw new Error('coturn does not listen');
  });
  after(async () => {
    if (coturn === undefined) return;
    coturn.kill('SIGKILL');
    if (coturn.exitCode === null) await once(coturn, 'exit');
    rmSync(folder, { recursive: true });
  });

  for (const transport of ['udp', 'tcp', 'tls'] as const)
    it(`allocates over ${transport}, and not with another secret`, async () => {
      const uri = parseTurnUri(uris[transport])!;
      const { username, password } = turnCredentials(SECRET);
      const tried = await tryTurn(uri, username, password);
      assert.equal(tried.result, 'allocated', JSON.stringify(tried));
      const other = turnCredentials('another');
      assert.deepEqual(await tryTurn(uri, other.username, other.password), { result: 'unauthorized', code: 401 });
    });

  it('asks a STUN server', async () => {
    assert.equal((await tryTurn(parseTurnUri(uris.udp.replace(/^turn(.*)\?.*/, 'stun$1'))!, '', '')).result, 'allocated');
  });
});

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
