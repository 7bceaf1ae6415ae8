/** The receiver contract on a real Synapse, with messages that come from another one by federation. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock.ts';
import { bridgeUserOf, parseMemberId } from '../../src/ids.ts';
import { HomeserverClient } from '../../src/matrix/client.ts';
import { Ghosts } from '../../src/matrix/libraries.ts';
import { bench, NO_ACCESS, receiverContract, until } from '../matrix/receiver-contract.ts';
import { startTwoHomes, type TwoHomes } from './matrix-world.ts';
import { receiverWorld } from './receiver-world.ts';

receiverContract('Synapse', receiverWorld);

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
      homeserverUrl: orchid.homeserver.clientUrl,
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
      url: orchid.homeserver.clientUrl,
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
    const ghosts = new Ghosts({ registration, homeserverUrl: orchid.homeserver.clientUrl, server: orchid.server });
    await assert.rejects(ghosts.ensure(parseMemberId(`bob@${orchid.server}`), 'Bob'), { code: 'wrong_token' });
    await ghosts.close();
  });
});
