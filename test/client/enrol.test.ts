/** A device that did not get in is none yet: what its store says, and what gets it in after all. */
import assert from 'node:assert/strict';
import { VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { LIMITS } from '../../src/limits.ts';
import { Wire } from '../gateway/wire.ts';
import { seededRandom } from '../support/clock.ts';
import { type Community, House } from './house.ts';
import { ALICE } from './world.ts';

const ANNA = 'anna@orchid.example';
const PLACE = { silent: () => {}, heard: () => {}, greeted: () => {}, left: () => {} };
let seeds = 5_000;

describe('client enrolment', () => {
  let house: House;
  let community: Community;
  let store: MemoryStore;
  let network: 'there' | 'gone' | 'deaf';

  beforeEach(async () => {
    house = new House();
    ({ community } = await house.app(ALICE));
    store = new MemoryStore();
    network = 'there';
  });

  /** Resolves to the client, or to the code that it was refused with. */
  async function connect(invite?: string): Promise<VollyClient | string> {
    let outcome: VollyClient | string | undefined;
    const connecting = VollyClient.connect({
      ...{ store, clock: house.clock, random: seededRandom(seeds++), device: 'PHONE' },
      ...(invite !== undefined && { invite }),
      socket: () => {
        if (network === 'gone') throw new Error('no network');
        const wire = new Wire(true, (socket) => void community.gateway.greet(socket, PLACE));
        // What the gateway says last, when it has let the device in, is lost.
        if (network === 'deaf') wire.tamper = (way, message, n) => (way === 'down' && n > 0 ? undefined : message);
        return wire.client;
      },
    });
    connecting.then(
      (client) => {
        outcome = client;
      },
      (error) => {
        outcome = String(error.code);
      },
    );
    await house.until('connected or refused', () => outcome !== undefined, LIMITS.communityWaitMs + 1_000);
    return outcome as VollyClient | string;
  }

  const isIn = (outcome: VollyClient | string): VollyClient => {
    assert.ok(outcome instanceof VollyClient, String(outcome));
    return outcome;
  };

  it('a bad invite is refused each time, and a good one lets the device in', async () => {
    const [spent, good] = [await community.invite(ANNA), await community.invite(ANNA)];
    const wrong = spent.replace(/\.[^.]+\.anna/, `.${'A'.repeat(22)}.anna`);
    assert.notEqual(wrong, spent);
    for (const invite of [wrong, wrong, undefined]) assert.equal(await connect(invite), 'bad_invite');
    const client = isIn(await connect(good));
    assert.equal(client.connection.kind, 'online');
    await client.close();
    // From now on invites are not looked at.
    isIn(await connect(wrong));
  });

  it('without a network it is not in, the second time as the first; once it was in it starts without one', async () => {
    const invite = await community.invite(ANNA);
    network = 'gone';
    for (const given of [invite, invite, undefined]) assert.equal(await connect(given), 'not_connected');
    network = 'there';
    await isIn(await connect()).close();
    network = 'gone';
    assert.notEqual(isIn(await connect()).connection.kind, 'online');
  });

  it('the community that let it in without its knowing lets it in again, by whatever invite', async () => {
    network = 'deaf';
    assert.equal(typeof (await connect(await community.invite(ANNA))), 'string');
    network = 'there';
    const mine = store;
    store = new MemoryStore();
    assert.equal(await connect(await community.invite(ANNA)), 'name_taken', 'it did let it in');
    store = mine;
    const { address } = isIn(await connect(await community.invite(ANNA)));
    assert.equal(address, `${ANNA}/PHONE`);
  });

  it('an invite for another member makes another account', async () => {
    network = 'gone';
    assert.equal(await connect(await community.invite(ANNA)), 'not_connected');
    network = 'there';
    assert.equal(isIn(await connect(await community.invite('alba@orchid.example'))).member, 'alba@orchid.example');
  });
});
