/** S4: what `/ready` knows of a real Synapse, both ways, and of the database, and how soon. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type Relay, startRelay } from '../faults/tools/relay.ts';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';

const PROMISED_MS = 10_000;

describe('/ready', () => {
  let folder: string;
  let community: Community;
  let there: Relay;
  let back: Relay;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-ready-'));
    const relay = (keep: (relay: Relay) => void) => async (port: number) => {
      const made = await startRelay({ target: { port } });
      keep(made);
      return made;
    };
    community = await startCommunity({
      ...{ name: 'Orchid', dir: join(folder, 'orchid'), authority: createAuthority() },
      ways: {
        homeserver: relay((made) => {
          there = made;
        }),
        appservice: relay((made) => {
          back = made;
        }),
      },
    });
    await within('calls back', '?all', true);
  });
  after(async () => {
    await community?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** From now; fails after 10 s. */
  async function within(what: string, query: string, ready: boolean): Promise<void> {
    const begun = performance.now();
    for (;;) {
      const now = await community.readiness(query);
      const ms = performance.now() - begun;
      if (now?.ready === ready) {
        console.log(`      ${what}: ${ready ? 'ready' : 'not ready'} after ${(ms / 1_000).toFixed(1)} s`);
        return;
      }
      assert.ok(ms < PROMISED_MS, `${what}: ${JSON.stringify(now)} after 10 s`);
      await sleep(50);
    }
  }
  const partsOf = async (query = ''): Promise<Readonly<Record<string, boolean>>> =>
    (await community.readiness(query))?.parts ?? {};

  it('is false within 10 s of the homeserver’s death, and true within 10 s of its return', async () => {
    await community.synapse.kill();
    await within('killed', '', false);
    assert.equal((await partsOf())['homeserver'], false);
    await sleep(6_000); // the longest pause between two tries of the receiver
    await community.synapse.start();
    await within('started', '', true);
    await within('calls back', '?all', true);
  });

  it('is false within 10 s of a homeserver that hangs, and true within 10 s of when it goes on', async () => {
    const pid = community.synapse.pid!;
    process.kill(pid, 'SIGSTOP');
    try {
      await within('stopped', '', false);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await within('goes on', '', true);
  });

  it('is false within 10 s of a cut on the way to the homeserver, and true within 10 s of its end', async () => {
    there.cut('blackhole');
    await within('black hole', '', false);
    there.heal();
    await within('healed', '', true);
  });

  it('knows within 10 s that the homeserver cannot call back, and that it can; calls do not need it, so only `?all` says no', async () => {
    for (const how of ['reset', 'blackhole'] as const) {
      back.cut(how);
      await within(`way back, ${how}`, '?all', false);
      assert.deepEqual(await partsOf(), { homeserver: true, database: true, homeserver_calls_back: false });
      assert.equal(await community.isReady(), true);
      assert.equal((await community.counts()).get('homeserver_calls_back'), 0);
      back.heal();
      await within('healed', '?all', true);
    }
  });

  it('is false while another program holds the database, and true when it lets go', async () => {
    const other = new Database(community.databasePath);
    other.exec('BEGIN IMMEDIATE');
    try {
      await within('held', '', false);
      assert.deepEqual(await partsOf(), { homeserver: true, database: false, homeserver_calls_back: true });
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    await within('let go', '', true);
  });
});
