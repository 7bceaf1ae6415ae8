import assert from 'node:assert/strict';
import type { HomeserverClient } from '../../src/matrix/client.ts';
import type { SyncReceiver } from '../../src/matrix/receiver.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock } from '../support/clock.ts';
import { FakeHomeserver } from '../support/fake-homeserver.ts';
import { accessOf, clientOf, IRIS, ORCHID } from './fake-world.ts';
import { type Bench, bench, HELLO, hello, Lines, until } from './receiver-contract.ts';

describe('access to the bridge user’s inbox', () => {
  let home: FakeHomeserver;
  let stores: Stores;
  let lines: Lines;
  let running: SyncReceiver | undefined;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
    stores = memoryStores();
    lines = new Lines();
  });
  afterEach(async () => {
    await running?.stop();
    await home.stop();
  });
  const start = async (
    clock?: ManualClock,
  ): Promise<Bench & { client: HomeserverClient; access: ReturnType<typeof accessOf> }> => {
    await running?.stop();
    const client = clientOf(home);
    const access = accessOf(client, { facts: stores.facts, log: lines });
    const one = bench({ server: ORCHID, client, access, ...(clock ? { clock } : {}) }, { stores });
    running = one.receiver;
    await running.start();
    return { ...one, client, access };
  };
  const found = () => lines.lines.filter((line) => line.startsWith('how this homeserver is read'));
  const logins = () => home.count('POST', '/login');
  const send = (): string => {
    const envelope = hello(IRIS, ORCHID);
    home.deliver({ sender: `@_volly.bridge:${IRIS}`, type: HELLO, content: { envelopes: [envelope] } });
    return String(envelope['id']);
  };
  const arrives = async ({ route }: Bench, id = send()): Promise<void> => until('it arrives', () => route.ids.includes(id));

  it('is by the as_token where that works: no login is made', async () => {
    const one = await start();
    await arrives(one);
    await until('ready', () => one.receiver.state.ready);
    assert.deepEqual(one.access.state, { software: 'Fake/1.0', way: 'as_token', proven: true, named: true });
    assert.deepEqual(found(), ['how this homeserver is read: Fake/1.0: as_token']);
    assert.equal(logins(), 0);
  });

  it('is by a login of its own where the as_token makes no device, and the next start goes on with that login', async () => {
    home.habit = 'login';
    for (let run = 0; run < 2; run++) {
      const one = await start();
      await arrives(one);
      await until('ready', () => one.receiver.state.ready);
      assert.equal(one.access.state?.way, 'login');
      assert.equal(logins(), 1);
    }
    assert.deepEqual(found(), ['how this homeserver is read: Fake/1.0: login']);
    const [token] = home.logins.keys();
    const polls = home.requests.filter(({ path }) => path.endsWith('/sync'));
    assert.ok(polls.every(({ query }) => query.get('user_id') === null && query.get('device_id') === null));
    assert.ok(!lines.lines.join().includes(String(token)));
  });

  it('is decided by a message to itself alone: a homeserver that takes the device and brings nothing is read by a login', async () => {
    home.habit = 'deaf to as_token';
    const clock = new ManualClock();
    const one = await start(clock);
    await until('ready', () => {
      void clock.advance(500);
      return one.receiver.state.ready;
    });
    assert.equal(one.access.state?.way, 'login');
    assert.equal(one.report.counts.get('sync_failed homeserver_deaf'), 1);
    await arrives(one);
  });

  it('logs in again when the login ended, and loses nothing', async () => {
    home.habit = 'login';
    const one = await start();
    await until('ready', () => one.receiver.state.ready);
    home.logins.clear();
    await arrives(one);
    await until('a second login', () => logins() === 2);
    const failures = [...one.report.counts.keys()].filter((name) => name.startsWith('sync_failed'));
    assert.deepEqual(failures, ['sync_failed homeserver_refused'], 'at the refusal, and not when it is found deaf');
    await arrives(one);
    assert.deepEqual(one.fatal, []);
    assert.equal(one.access.state?.way, 'login');
  });

  it('keeps its login through deafness: a homeserver may not end the tokens that are not used any more', async () => {
    home.habit = 'login';
    const access = accessOf(clientOf(home), { facts: stores.facts });
    for (const why of ['homeserver_deaf', 'homeserver_deaf', 'homeserver_refused'] as const) {
      await access.prepare();
      await access.prove();
      await access.doubt(why);
      assert.equal(logins(), 1);
    }
    await access.prepare();
    assert.equal(logins(), 2);
  });

  it('is found out anew after an upgrade, and after a change of the homeserver to another', async () => {
    home.habit = 'login';
    const one = await start();
    await until('ready', () => one.receiver.state.ready);
    await home.stop();
    await until('not ready', () => !one.receiver.state.ready);
    home.habit = 'as_token';
    home.version = 'Fake/2.0';
    await home.start();
    await until('ready', () => one.receiver.state.ready);
    await until('said', () => found().length === 2);
    assert.deepEqual(found()[1], 'how this homeserver is read: Fake/2.0: as_token');
    await arrives(one);
    // Without a word of another version: the as_token reads nothing any more.
    home.habit = 'login';
    home.devices.clear();
    send(); // which ends the poll that is under way
    await until('said', () => found().length === 3);
    assert.deepEqual(found()[2], 'how this homeserver is read: Fake/2.0: login');
    await arrives(one);
  });

  it('throws what the homeserver says when it knows neither way', async () => {
    home.habit = 'login';
    home.fault = ({ path }) => (path.endsWith('/login') ? { status: 403, body: { errcode: 'M_FORBIDDEN' } } : undefined);
    await assert.rejects(accessOf(clientOf(home)).prepare(), { code: 'homeserver_refused', errcode: 'M_FORBIDDEN' });
  });

  it('shows no name of a homeserver that is none', async () => {
    home.version = 'x'.repeat(200);
    const access = accessOf(clientOf(home));
    await access.prepare();
    assert.equal(access.state?.software, 'unknown');
  });
});
