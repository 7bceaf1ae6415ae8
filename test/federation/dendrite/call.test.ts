/** S8: a community on Synapse and one on Dendrite. Calls with real WebRTC, presence and hang-ups both ways, before and after Dendrite is killed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Status } from '../../../src/ops/status.ts';
import { type Community, startCommunity } from '../../support/community.ts';
import { createAuthority } from '../../support/homeserver/certificates.ts';
import { MatrixClient } from '../../support/homeserver/client.ts';
import { enrol, type Person, sees } from '../../support/people.ts';
import { converse, hangUp } from '../conversation.ts';
import { anyFailed } from '../pair.ts';

const LOCAL_HANGUP = { reason: 'hangup', by: 'local' };
const REMOTE_HANGUP = { reason: 'hangup', by: 'remote' };

describe('A call between a community on Synapse and one on Dendrite', () => {
  let folder: string;
  let orchid: Community;
  let maple: Community;
  let alice: Person;
  let bob: Person;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-dendrite-'));
    const authority = createAuthority();
    [orchid, maple] = await Promise.all([
      startCommunity({ name: 'Orchid', dir: join(folder, 'orchid'), authority }),
      startCommunity({ name: 'Maple', dir: join(folder, 'maple'), authority, homeserver: 'dendrite' }),
    ]);
    [alice, bob] = await Promise.all([enrol(orchid, 'alice'), enrol(maple, 'bob')]);
    for (const { client } of [alice, bob]) client.on('presence-request', (request) => void request.accept());
  });
  after(async function () {
    for (const person of [alice, bob]) await person?.client.close();
    await Promise.all([orchid?.stop(), maple?.stop()]);
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  });

  const statusOf = async (community: Community): Promise<Status> => JSON.parse(await community.command('status', '--json'));
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + 30_000;
    while (!(await holds())) {
      if (performance.now() > deadline) assert.fail(`not within 30 s: ${what}`);
      await sleep(100);
    }
  };
  const bothWays = async (): Promise<void> => {
    for (const [from, to, side] of [
      [alice, bob, 'caller'],
      [bob, alice, 'callee'],
    ] as const) {
      const conversation = await converse(from, to);
      assert.equal(await conversation.echo('hello'), 'hello');
      assert.deepEqual(
        await hangUp(conversation, side),
        side === 'caller' ? [LOCAL_HANGUP, REMOTE_HANGUP] : [REMOTE_HANGUP, LOCAL_HANGUP],
      );
    }
  };

  it('shows in the status of each how its homeserver is read', async () => {
    const [synapse, dendrite] = await Promise.all([statusOf(orchid), statusOf(maple)]);
    assert.match(synapse.homeserver.software, /^Synapse\//);
    assert.deepEqual([synapse.homeserver.way, synapse.homeserver.proven], ['as_token', true]);
    assert.match(dendrite.homeserver.software, /^Dendrite\/0\.13\.8/);
    assert.deepEqual([dendrite.homeserver.way, dendrite.homeserver.proven], ['login', true]);
    assert.deepEqual([dendrite.homeserver.named, dendrite.homeserver.callsBack], [true, 'unknown']);
  });

  it('connects, talks and hangs up, both ways', bothWays);

  it('shows each other’s presence', async () => {
    await Promise.all([alice.client.presence.set('online'), bob.client.presence.set('away')]);
    await Promise.all([alice.client.presence.watch(bob.client.member), bob.client.presence.watch(alice.client.member)]);
    await Promise.all([sees(alice.client, bob.client.member, 'away'), sees(bob.client, alice.client.member, 'online')]);
    await Promise.all([alice.client.presence.set('busy'), bob.client.presence.set('online')]);
    await Promise.all([sees(alice.client, bob.client.member, 'online'), sees(bob.client, alice.client.member, 'busy')]);
  });

  it('gives the members of Dendrite’s community their ghosts', async () => {
    const client = new MatrixClient(maple.homeserver.clientUrl);
    const path = `/_matrix/client/v3/profile/${encodeURIComponent(`@_volly_bob:${maple.serverName}`)}/displayname`;
    await eventually('the ghost', () =>
      client.request('GET', path).then(
        ({ displayname }) => displayname === 'bob',
        () => false,
      ),
    );
  });

  it('goes on after Dendrite was killed, and says who is read how as before', async () => {
    await maple.homeserver.kill();
    await eventually('the bridge is not ready', async () => !(await maple.isReady()));
    await maple.homeserver.start();
    await eventually('the bridge is ready', () => maple.isReady());
    await bothWays();
    const { homeserver } = await statusOf(maple);
    assert.deepEqual([homeserver.way, homeserver.proven], ['login', true]);
  });

  it('goes on after the bridge was killed, with the login it had', async () => {
    const before = tokenOf(maple);
    await maple.stopBridge('SIGKILL');
    await maple.startBridge();
    assert.equal(tokenOf(maple), before);
    await eventually('bob is online again', async () => bob.client.connection.kind === 'online');
    await bothWays();
  });

  it('logs in anew where the homeserver ended that login', async () => {
    const before = tokenOf(maple);
    const client = new MatrixClient(maple.homeserver.clientUrl, before);
    await client.request('POST', '/_matrix/client/v3/logout', {});
    await eventually('another login', async () => tokenOf(maple) !== before && (await maple.isReady()));
    await bothWays();
  });

  it('left the login’s token in the database alone, and warned of nothing but the outage', () => {
    const log = readFileSync(maple.logPath, 'utf8');
    assert.ok(!log.includes(tokenOf(maple)));
    const warnings = log.split('\n').filter((line) => line.includes('"level":"warn"'));
    assert.deepEqual(
      warnings.filter((line) => !line.includes('not receiving from the homeserver')),
      [],
    );
  });
});

/** As the bridge keeps it. */
function tokenOf({ databasePath }: Community): string {
  const database = new Database(databasePath, { readonly: true });
  const value = database.prepare(`SELECT value FROM facts WHERE name = 'homeserver login'`).pluck().get();
  database.close();
  return String(value);
}
