/**
 * What an ordinary Matrix client sees and may do, acted out by matrix-js-sdk with a plain account on one community's own Synapse: members
 * are users with names like others, and speaking to a bridge takes more than an account.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { createClient, type MatrixClient, type SendToDeviceContentMap } from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import { systemRandom } from '../../src/clock.ts';
import { bridgeUserOf, type MemberId, newEnvelopeId, type ServerName } from '../../src/ids.ts';
import { envelopeToJson } from '../../src/protocol/envelope.ts';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { registerUser } from '../support/homeserver/client.ts';
import { enrol, type Person } from '../support/people.ts';

describe('An ordinary Matrix client', function () {
  this.timeout(120_000);
  let folder: string;
  let orchid: Community;
  let maple: Community;
  let alice: Person;
  let matrix: MatrixClient;

  before(async () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) logger[level] = () => {};
    folder = await mkdtemp(join(tmpdir(), 'volly-foreign-'));
    const authority = createAuthority();
    const start = (name: string) => startCommunity({ name, dir: join(folder, name), authority });
    [orchid, maple] = await Promise.all([start('orchid'), start('maple')]);
    alice = await enrol(orchid, 'alice');
    const { userId, deviceId, client } = await registerUser(maple.synapse, 'mallory');
    matrix = createClient({ baseUrl: maple.synapse.clientUrl, userId, deviceId, accessToken: client.token as string });
  });

  after(async () => {
    matrix?.stopClient();
    await alice?.client.close();
    await Promise.all([orchid?.stop(), maple?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('finds a member of another community by name, once its ghost is made', async () => {
    const ghost = `@_volly_alice:${orchid.serverName}`;
    // Ghosts are made in the background: within half a minute of the enrolment, and at every start for those that have none.
    await orchid.stopBridge();
    await orchid.startBridge();
    for (let tries = 0; ; tries++) {
      const profile = await matrix.getProfileInfo(ghost).catch(() => undefined);
      if (profile?.displayname === 'alice') return;
      assert.ok(tries < 80, 'no ghost');
      await sleep(500);
    }
  });

  it('cannot register a name that the bridge keeps for members', async () => {
    await assert.rejects(registerUser(orchid.synapse, '_volly_mallory'));
  });

  it('cannot ask a bridge for keys, or speak for its community: what it sends is dropped', async () => {
    const query = envelopeToJson({
      id: newEnvelopeId(systemRandom),
      type: 'app.volly.keys.query',
      from: `mallory@${maple.serverName}/PHONE` as never,
      to: `alice@${orchid.serverName}` as MemberId,
      expires: Date.now() + 5_000,
      request: newEnvelopeId(systemRandom),
    });
    const to = bridgeUserOf(orchid.serverName as ServerName);
    const content: SendToDeviceContentMap = new Map([[to, new Map([['VOLLY', { envelopes: [query] }]])]]);
    await matrix.sendToDevice('app.volly.keys.query', content);
    // Behind it in the same inbox something that is answered: then the one before has been looked at.
    const bob = await enrol(maple, 'bob');
    await bob.client.presence.watch(alice.client.member);
    await bob.client.close();
    const database = new Database(orchid.databasePath, { readonly: true });
    const ids = database.prepare('SELECT id FROM inbox_seen WHERE origin = ?').pluck().all(maple.serverName);
    database.close();
    assert.ok(ids.length > 0, 'nothing of Maple was remembered, so this proves nothing');
    assert.ok(!ids.includes(query['id']));
  });
});
