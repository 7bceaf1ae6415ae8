import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VollyError } from '../../src/errors.ts';
import { parseServerName } from '../../src/ids.ts';
import type { AdminPorts } from '../../src/ops/admin/ports.ts';
import { adminListener } from '../../src/ops/admin/server.ts';
import { askStatus } from '../../src/ops/ask-status.ts';
import { type Listener, listen } from '../../src/ops/listen.ts';
import type { Status } from '../../src/ops/status.ts';
import { statusPage } from '../../src/ops/status-page.ts';
import { type Parts, statusReader } from '../../src/ops/status-reader.ts';
import { Lines } from '../matrix/receiver-contract.ts';
import { ManualClock } from '../support/clock.ts';

const TOKEN = 'ab'.repeat(32);
const COUNTS = { outbox: 3, outboxBytes: 4_200, inbox: 2, seen: 9, acks: 1, peers: 2 };

describe('status', () => {
  let clock: ManualClock;
  let parts: Parts;
  let read: () => Promise<Status>;
  let listener: Listener;
  let folder: string;
  beforeEach(async () => {
    clock = new ManualClock();
    parts = {
      ...{ version: '1.2.3', server: 'orchid.example', url: 'http://127.0.0.1:8008', clock },
      receiver: { state: { ready: true, lagMs: 21, lastSyncAt: clock.now(), journaled: 1 } },
      access: { state: { software: 'Synapse/1.163.2', way: 'as_token', proven: true, named: true } },
      pulse: { state: { answers: true, callsBack: 'yes' } },
      junction: {
        peers: () => [
          {
            server: parseServerName('iris.example'),
            state: 'unreachable',
            waiting: 3,
            bytes: 4_200,
            oldestMs: 8_000,
            heardAt: clock.now(),
            skewMs: -1_500,
          },
          { server: parseServerName('maple.example'), state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 },
        ],
        counts: async () => COUNTS,
      },
      quarantine: { count: async () => 4 },
      directory: { size: 5 },
      sockets: { getConnections: (callback) => callback(null, 6) },
    };
    read = statusReader(parts);
    folder = mkdtempSync(join(tmpdir(), 'volly-status-'));
    const ports = { status: () => read() } as AdminPorts;
    listener = await listen(createServer(adminListener({ token: TOKEN, ports, log: new Lines() })), {
      host: '127.0.0.1',
      port: 0,
    });
  });
  afterEach(async () => {
    await listener.close();
    rmSync(folder, { recursive: true });
  });
  const ask = (token = TOKEN, host = '127.0.0.1', { port } = listener) => {
    const file = join(folder, 'admin.token');
    writeFileSync(file, token, { mode: 0o600 });
    return askStatus({ listen: { host, port }, token: file });
  };

  it('tells the one who holds the token how all parts are', async () => {
    await clock.advance(2_500);
    assert.deepEqual(await ask(TOKEN, '0.0.0.0'), {
      version: '1.2.3',
      server: 'orchid.example',
      uptimeMs: 2_500,
      homeserver: {
        ...{ url: 'http://127.0.0.1:8008', software: 'Synapse/1.163.2', way: 'as_token', proven: true, named: true },
        ...{ callsBack: 'yes', ready: true, lagMs: 21, lastSyncAgeMs: 2_500 },
      },
      counts: {
        ...{ gateway_sockets: 6, devices_online: 5, journal: 1, quarantine: 4 },
        ...{ outbox: 3, inbox: 2, seen: 9, acks: 1, peers: 2, outbox_bytes: 4_200 },
      },
      peers: parts.junction.peers(),
    });
  });

  it('says so when the database fails', async () => {
    read = () => Promise.reject(new VollyError('database', 'SQLITE_FULL'));
    await assert.rejects(ask(), { code: 'database' });
  });

  it('is not_running where nothing answers, and where a bridge with another token does', async () => {
    await assert.rejects(ask('x'.repeat(64)), { code: 'not_running', message: /another token answers/ });
    await assert.rejects(askStatus({ listen: { host: '::', port: 9 }, token: join(folder, 'none') }), {
      code: 'not_running',
      message: /none is missing/,
    });
    const gone = listener;
    await gone.close();
    await assert.rejects(ask(TOKEN, '::', gone), { code: 'not_running', message: /nothing answers at/ });
    listener = await listen(
      createServer((_, response) => void response.end('hello')),
      { host: '127.0.0.1', port: 0 },
    );
    await assert.rejects(ask(), { code: 'not_running', message: /no bridge of this version/ });
  });

  it('has a page for people', async () => {
    await clock.advance(3_725_000);
    assert.equal(
      statusPage(await read()),
      `Volly bridge 1.2.3 of orchid.example, up 1 h 2 min

Homeserver
  address               http://127.0.0.1:8008
  software              Synapse/1.163.2
  read by               as_token, proven by a message to itself
  receiving             yes; last answer 1 h 2 min ago
  a message to itself   takes 21 ms
  bridge user’s name    set
  reaches this bridge   yes

Counts
  gateway sockets       6
  devices online        5
  journal               1
  quarantine            4
  outbox                3
  inbox                 2
  seen                  9
  acks                  1
  peers                 2
  outbox bytes          4.2 kB

Peers: 2
  iris.example          unreachable, 3 waiting (4.2 kB, oldest 8.0 s), heard 2026-01-01T01:02:05Z, clock -1.5 s
  maple.example         ok, never heard`,
    );
  });

  it('has a page before the homeserver has answered, and for more peers than a page holds', async () => {
    read = statusReader({
      ...parts,
      receiver: { state: { ready: false, lagMs: undefined, lastSyncAt: undefined, journaled: 0 } },
      access: { state: undefined },
      junction: { ...parts.junction, peers: () => Array.from({ length: 60 }, () => parts.junction.peers()[1]!) },
    });
    const page = statusPage(await read());
    assert.match(page, /read by +unknown, not proven yet\n +receiving +NO; it has not answered yet\n.*has not come back yet/);
    assert.match(page, /Peers: 60\n(.*ok.*\n){50} +and 10 more; --json shows all$/);
  });

  it('says that a homeserver which does not answer is not there, whatever the receiver has heard', async () => {
    parts = { ...parts, pulse: { state: { answers: false, callsBack: 'unknown' } } };
    const { homeserver } = await statusReader(parts)();
    assert.deepEqual([homeserver.ready, homeserver.callsBack], [false, 'unknown']);
  });
});
