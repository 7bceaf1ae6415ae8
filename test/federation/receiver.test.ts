/** The receiver contract on a real Synapse, with messages that come from another one by federation. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { bridgeUserOf, parseMemberId } from '../../src/ids.ts';
import { HomeserverClient } from '../../src/matrix/client.ts';
import { Ghosts } from '../../src/matrix/libraries.ts';
import { bench, NO_ACCESS, type ReceiverWorld, receiverContract, until } from '../matrix/receiver-contract.ts';
import { registerUser } from '../support/homeserver/client.ts';
import { startTwoHomes, type TwoHomes } from './matrix-world.ts';

async function synapseWorld(): Promise<ReceiverWorld> {
  const homes = await startTwoHomes();
  const { orchid, iris } = homes;
  const mallory = await registerUser(iris.synapse, 'mallory');
  const target = bridgeUserOf(orchid.server);
  const path = (type: string): string => `/_matrix/client/v3/sendToDevice/${type}/${randomUUID()}`;
  const body = (content: unknown): string => JSON.stringify({ messages: { [target]: { VOLLY: content } } });
  return {
    server: orchid.server,
    peer: iris.server,
    client: orchid.client,
    access: orchid.access,
    fromPeer: async (type, content) => {
      // Synapse takes no content that is not an object at all; what stands inside is not looked at.
      await iris.client.request({ method: 'PUT', step: 'send', path: path(type), body: body(content) });
    },
    fromStranger: async (type, content) => void (await mallory.client.request('PUT', path(type), JSON.parse(body(content)))),
    stopHomeserver: () => orchid.synapse.stop(),
    startHomeserver: async () => {
      await orchid.synapse.start();
      // What waits for a server that was away is sent when it is heard of again, as the carrier's wake does it.
      await iris.client.request({
        method: 'POST',
        step: 'keys',
        path: '/_matrix/client/v3/keys/query',
        body: JSON.stringify({ device_keys: { [target]: [] } }),
      });
      await iris.client.request({
        method: 'GET',
        step: 'profile',
        path: `/_matrix/client/v3/profile/${encodeURIComponent(target)}/displayname`,
      });
    },
    backup: () => orchid.backup(),
    close: () => homes.close(),
  };
}

receiverContract('Synapse', synapseWorld);

describe('matrix on a real Synapse', () => {
  let homes: TwoHomes;
  before(async () => {
    homes = await startTwoHomes();
  });
  after(() => homes?.close());

  it('gives a member a ghost with a display name, through matrix-appservice-bridge', async () => {
    const { orchid } = homes;
    const ghosts = new Ghosts({
      registration: { ...orchid.registration },
      homeserverUrl: orchid.synapse.clientUrl,
      server: orchid.server,
    });
    const member = parseMemberId(`alice@${orchid.server}`);
    await ghosts.ensure(member, 'Alice');
    await ghosts.ensure(member, 'Alice');
    await ghosts.close();
    const path = `/_matrix/client/v3/profile/${encodeURIComponent(`@_volly_alice:${orchid.server}`)}/displayname`;
    assert.equal(JSON.parse(await homes.iris.client.request({ method: 'GET', step: 'profile', path })).displayname, 'Alice');
  });

  it('says wrong_token to a receiver and to ghosts', async () => {
    const { orchid } = homes;
    const client = new HomeserverClient({
      url: orchid.synapse.clientUrl,
      asToken: 'x'.repeat(64),
      userId: bridgeUserOf(orchid.server),
      deviceId: 'VOLLY',
      clock: systemClock,
    });
    const { receiver, fatal } = bench({ server: orchid.server, client, access: NO_ACCESS });
    await receiver.start();
    await until('fatal', () => fatal.length > 0);
    assert.equal(fatal[0]?.code, 'wrong_token');
    await receiver.stop();
    const registration = { ...orchid.registration, as_token: 'x'.repeat(64) };
    const ghosts = new Ghosts({ registration, homeserverUrl: orchid.synapse.clientUrl, server: orchid.server });
    await assert.rejects(ghosts.ensure(parseMemberId(`bob@${orchid.server}`), 'Bob'), { code: 'wrong_token' });
    await ghosts.close();
  });
});
