/** The community goes over to another key (PROTOCOL.md section 14.7), as one device lives through it: its store, its crashes, its sibling. */
import assert from 'node:assert/strict';
import { type ConnectOptions, VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { Wire } from '../gateway/wire.ts';
import { seededRandom } from '../support/clock.ts';
import { type Community, House } from './house.ts';
import { ALICE } from './world.ts';

const ANNA = 'anna@orchid.example';
const PLACE = { silent: () => {}, heard: () => {}, greeted: () => {}, left: () => {} };
let seeds = 7_000;

/** A store whose `account` cannot be written for a while. */
class Shaky extends MemoryStore {
  trouble: 'none' | 'fails' | 'hangs' = 'none';

  override async set(name: string, value: Uint8Array): Promise<void> {
    if (name === 'account' && this.trouble === 'fails') throw new Error('disk full');
    if (name === 'account' && this.trouble === 'hangs') return new Promise(() => {});
    await super.set(name, value);
  }
}

describe('a device and a new community key', () => {
  let house: House;
  let community: Community;
  let store: Shaky;
  let wires: Wire[];
  let clients: VollyClient[];
  /** Of each wire: what the gateway is sent. */
  let up: number[];

  beforeEach(async () => {
    house = new House();
    ({ community } = await house.app(ALICE));
    store = new Shaky();
    [wires, clients, up] = [[], [], []];
  });
  afterEach(() => Promise.all(clients.map((client) => client.close())));

  /** Resolves to the client, or to the code that it was refused with. */
  async function connect(entry: Pick<ConnectOptions, 'invite' | 'approval'> = {}, from = store): Promise<VollyClient | string> {
    let outcome: VollyClient | string | undefined;
    VollyClient.connect({
      ...{ store: from, clock: house.clock, random: seededRandom(seeds++), device: 'PHONE', ...entry },
      socket: () => {
        const wire = new Wire(true, (socket) => void community.gateway.greet(socket, PLACE));
        const n = wires.push(wire) - 1;
        up[n] = 0;
        wire.tamper = (way, message) => {
          if (way === 'up') up[n]!++;
          return message;
        };
        return wire.client;
      },
    }).then(
      (client) => {
        outcome = client;
        clients.push(client);
      },
      (error) => {
        outcome = String(error.code);
      },
    );
    await house.until('connected or refused', () => outcome !== undefined, 70_000);
    return outcome as VollyClient | string;
  }

  const isIn = (outcome: VollyClient | string): VollyClient => {
    assert.ok(outcome instanceof VollyClient, String(outcome));
    return outcome;
  };

  for (const trouble of ['fails', 'hangs'] as const)
    it(`does not say who it is before the new pin is kept, and follows later: the store ${trouble}`, async () => {
      const client = isIn(await connect({ invite: await community.invite(ANNA) }));
      store.trouble = trouble;
      await community.rotate();
      const first = wires.length;
      await house.clock.advance(60_000);
      assert.ok(wires.length > first + 1);
      assert.deepEqual(new Set(up.slice(first)), new Set([1]), 'client hellos and nothing else');
      assert.equal(client.connection.kind === 'online', false);
      store.trouble = 'none';
      await house.until('online', () => client.connection.kind === 'online', 45_000);
    });

  it('is let in by what was made before: an invite, and a sibling by an approval', async () => {
    const invite = await community.invite(ANNA);
    await community.rotate();
    const first = isIn(await connect({ invite }));
    const laptop = new Shaky();
    const approval = await first.approveDevice(
      await VollyClient.requestDevice({ store: laptop, member: ANNA, device: 'LAPTOP' }),
    );
    await community.rotate();
    const second = isIn(await connect({ approval }, laptop));
    assert.equal(second.address, `${ANNA}/LAPTOP`);
    await house.until('both', () => [first, second].every(({ connection }) => connection.kind === 'online'), 45_000);
  });

  it('is followed over as many changes as the hello has steps, and no more', async () => {
    await isIn(await connect({ invite: await community.invite(ANNA) })).close();
    for (let n = 0; n < 4; n++) await community.rotate();
    await isIn(await connect()).close();
    for (let n = 0; n < 5; n++) await community.rotate();
    assert.equal(await connect(), 'wrong_community');
  });

  it('comes back under its old identity by a newer invite, where no successor leads to the key', async () => {
    const first = await community.invite(ANNA);
    const client = isIn(await connect({ invite: first }));
    const { devices } = client;
    await client.close();
    await community.loseKey();
    for (const invite of [undefined, '', first, await community.invite(ALICE)])
      assert.equal(await connect(invite === undefined ? {} : { invite }), 'wrong_community');
    const invite = await community.invite(ANNA);
    assert.equal(await connect({ invite }, new Shaky()), 'name_taken');
    const back = isIn(await connect({ invite }));
    assert.deepEqual([back.address, back.devices], [`${ANNA}/PHONE`, devices]);
    await back.close();
    await isIn(await connect()).close();
  });

  it('goes back to what it had pinned where the invite is wrong too, and is not led back by one of before', async () => {
    const [first, second] = [await community.invite(ANNA), await community.invite(ANNA)];
    await isIn(await connect({ invite: first })).close();
    await community.rotate();
    await isIn(await connect({ invite: first })).close();
    const followed = await store.get('account');
    await community.loseKey();
    for (const invite of [first, second]) assert.equal(await connect({ invite }), 'wrong_community');
    assert.deepEqual(await store.get('account'), followed);
  });
});
