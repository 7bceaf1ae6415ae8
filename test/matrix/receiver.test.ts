import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import type { SyncReceiver } from '../../src/matrix/receiver.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock } from '../support/clock.ts';
import { clientOf, fakeWorld, IRIS, ORCHID } from './fake-world.ts';
import { bench, HELLO, hello, NO_ACCESS, receiverContract, until } from './receiver-contract.ts';

receiverContract('fake homeserver', fakeWorld);

describe('receiver', () => {
  let world: Awaited<ReturnType<typeof fakeWorld>>;
  let running: SyncReceiver | undefined;
  const send = async (): Promise<string> => {
    const envelope = hello(IRIS, ORCHID);
    await world.fromPeer(HELLO, { envelopes: [envelope] });
    return String(envelope['id']);
  };
  beforeEach(async () => {
    world = await fakeWorld();
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    await world.close();
  });

  it('loses nothing when 30 % of the answers are lost or cut short', async () => {
    const one = bench(world);
    running = one.receiver;
    let seen = 0;
    world.home.fault = ({ path }) => {
      if (!path.endsWith('/sync')) return undefined;
      const turn = ++seen % 10;
      return turn === 3 || turn === 7 ? 'lose' : turn === 5 ? 'cut' : undefined;
    };
    await running.start();
    const sent: string[] = [];
    for (let i = 0; i < 60; i++) {
      sent.push(await send());
      await sleep(2);
    }
    await until('all', () => one.route.firstTimes.length === 60);
    assert.deepEqual(one.route.firstTimes, sent);
  });

  it('asks anew at once what hangs, when told that the homeserver answers again', async () => {
    const clock = new ManualClock();
    const one = bench({ ...world, clock });
    running = one.receiver;
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    world.home.fault = ({ path }) => (path.endsWith('/sync') ? 'hang' : undefined);
    const polls = () => world.home.count('GET', '/sync');
    const before = polls();
    await send(); // ends the poll that is under way
    await until('a poll that hangs', () => polls() > before);
    world.home.fault = () => undefined;
    const second = await send();
    one.receiver.nudge();
    await until('what came meanwhile', () => one.route.ids.includes(second));
    assert.equal(one.receiver.state.ready, true);
    assert.equal(one.report.counts.get('sync_failed homeserver_unreachable'), 1);
  });

  it('journals before the homeserver may forget', async () => {
    const stores = memoryStores();
    const { journal } = stores;
    const append = journal.append.bind(journal);
    let failures = 2;
    journal.append = async (...row) => {
      if (failures-- > 0) throw new VollyError('database');
      assert.ok(world.home.kept > 0, 'the homeserver still has it');
      return append(...row);
    };
    const one = bench(world, { stores });
    running = one.receiver;
    const id = await send();
    await running.start();
    await until('routed', () => one.route.routed.length === 1);
    assert.deepEqual(one.route.ids, [id]);
    await until('forgotten', () => world.home.kept === 0);
  });

  it('keeps at most LIMITS.journalRows unrouted answers and leaves the rest with the homeserver', async () => {
    const one = bench(world);
    running = one.receiver;
    let blocked = true;
    one.route.refuse = () => {
      if (blocked) throw new VollyError('database');
    };
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    const sent: string[] = [];
    for (let i = 0; i < 40; i++) {
      sent.push(await send());
      await sleep(4);
    }
    assert.equal((await one.stores.journal.pending('sync')).length, 16);
    assert.ok(world.home.kept > 0);
    blocked = false;
    await until('all', () => one.route.firstTimes.length === 40);
    assert.deepEqual(one.route.firstTimes, sent);
  });

  it('does not let one full queue stop the others', async () => {
    const one = bench(world);
    running = one.receiver;
    const full = new Set<string>();
    one.route.refuse = ({ id }) => {
      if (full.has(id)) throw new VollyError('overloaded');
    };
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    for (let i = 0; i < 30; i++) {
      const envelope = hello(IRIS, ORCHID);
      full.add(String(envelope['id']));
      await world.fromPeer(HELLO, { envelopes: [envelope] });
      await sleep(4);
    }
    const begun = Date.now();
    const id = await send();
    await until('the other', () => one.route.ids.includes(id));
    assert.ok(Date.now() - begun < 1_000);
    assert.ok((one.report.counts.get('inbound_dropped full') ?? 0) > 0);
  });

  it('starts while the homeserver is away: one line, not ready, then ready by itself', async () => {
    await world.home.stop();
    const one = bench(world);
    running = one.receiver;
    await running.start();
    await until('tried', () => (one.report.counts.get('sync_failed homeserver_absent') ?? 0) >= 3);
    assert.equal(running.state.ready, false);
    assert.equal(one.report.lines.length, 1);
    assert.match(one.report.lines[0] ?? '', /^not receiving .* homeserver_absent: versions: ECONNREFUSED/);
    await world.home.start();
    await until('ready', () => one.receiver.state.ready);
    assert.ok(world.home.devices.has('@_volly.bridge:orchid.example/VOLLY'));
  });

  it('starts over where the homeserver answers and brings nothing: one line, not ready until it has heard itself', async () => {
    const clock = new ManualClock();
    const one = bench({ ...world, clock });
    running = one.receiver;
    const passing = (condition: () => boolean) => () => {
      void clock.advance(500);
      return condition();
    };
    world.home.fault = ({ path }) => (path.endsWith('/sync') ? { status: 200, body: { next_batch: 's1' } } : undefined);
    await running.start();
    for (let times = 1; times <= 2; times++) {
      await until(
        'deaf',
        passing(() => one.report.counts.get('sync_failed homeserver_deaf') === times),
      );
      await until(
        'it begins again',
        passing(() => world.home.count('POST', '/register') === 1 + times),
      );
      assert.equal(running.state.ready, false);
    }
    assert.equal(one.report.lines.length, 1);
    assert.match(one.report.lines[0] ?? '', /^not receiving .* homeserver_deaf/);
    world.home.fault = () => undefined;
    await until(
      'ready',
      passing(() => one.receiver.state.ready),
    );
    assert.deepEqual(one.report.lines.slice(1), ['receiving from the homeserver']);
    const firsts = world.home.requests.filter(({ path, query }) => path.endsWith('/sync') && query.get('since') === null);
    assert.ok(firsts.length >= 3, 'each time it asked for all that the homeserver has');
  });

  it('sends itself a message about every minute, one at a time, for as long as it runs', async () => {
    const clock = new ManualClock();
    const one = bench({ ...world, clock });
    running = one.receiver;
    const echoes = () => world.home.count('PUT', '/sendToDevice/app.volly.echo/');
    await running.start();
    for (let count = 1; count <= 3; count++) {
      await until('it came back', () => one.receiver.state.ready && echoes() === count && world.home.kept === 0);
      await send(); // ends a poll
      await until('routed', () => one.route.routed.length === 2 * count - 1);
      assert.equal(echoes(), count, 'not before its time');
      await clock.advance(75_000);
      await send();
    }
    assert.equal(one.report.counts.get('echo_lost'), undefined);
  });

  it('ends with wrong_token and says so once', async () => {
    const one = bench({ ...world, client: clientOf(world.home, 'wrong'), access: NO_ACCESS });
    running = one.receiver;
    await running.start();
    await until('fatal', () => one.fatal.length > 0);
    assert.equal(one.fatal[0]?.code, 'wrong_token');
    const requests = world.home.requests.length;
    await sleep(300);
    assert.equal(world.home.requests.length, requests);
  });

  it('skips nothing when the homeserver was restored while it waited for another reason', async () => {
    const one = bench(world);
    running = one.receiver;
    const restore = world.home.backup();
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    for (let n = 0; n < 5; n++) await send();
    await until('all', () => one.route.routed.length === 5);
    const asked = world.home.count('GET', '/sync');
    world.home.fault = ({ path }) =>
      path.endsWith('/sync') ? { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 300 } } : undefined;
    const sent = [await send()]; // ends the poll
    await until('refused', () => one.report.counts.has('sync_failed rate_limited'));
    assert.ok(world.home.count('GET', '/sync') > asked);
    restore();
    world.home.fault = () => undefined;
    sent.push(await send());
    await until('the one sent after it', () => one.route.ids.includes(sent[1]!));
  });

  it('asks without a position when the last answer was long ago', async () => {
    let skipped = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipped };
    const stores = memoryStores();
    const append = stores.journal.append.bind(stores.journal);
    stores.journal.append = async (...entry) => {
      skipped = 11_000;
      return append(...entry);
    };
    const one = bench({ ...world, clock }, { stores });
    running = one.receiver;
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    const asked = () => world.home.requests.filter(({ path }) => path.endsWith('/sync'));
    const unplaced = () => asked().filter(({ query }) => query.get('since') === null).length;
    const before = unplaced();
    await send();
    await until('asked without', () => unplaced() === before + 1);
    await until('and then with one', () => asked().at(-1)?.query.get('since') !== null);
    assert.deepEqual([unplaced(), one.route.firstTimes.length], [before + 1, 1]);
  });

  it('waits as long as a 429 asks', async () => {
    const one = bench(world);
    running = one.receiver;
    let limited = false;
    world.home.fault = ({ path }) => {
      if (!path.endsWith('/sync') || limited) return undefined;
      limited = true;
      return { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 400 } };
    };
    const begun = Date.now();
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    assert.ok(Date.now() - begun >= 395);
  });

  it('stops at once in the middle of a long poll', async () => {
    const one = bench(world);
    await one.receiver.start();
    await until('ready', () => one.receiver.state.ready);
    const begun = Date.now();
    await one.receiver.stop();
    // The poll itself would take half a minute.
    assert.ok(Date.now() - begun < 10_000);
    assert.deepEqual(one.report.lines, ['receiving from the homeserver']);
  });

  it('asks without rooms, presence and account data, and as offline', async () => {
    const one = bench(world);
    running = one.receiver;
    await running.start();
    await until('ready', () => one.receiver.state.ready);
    const query = world.home.requests.find(({ path }) => path.endsWith('/sync'))?.query;
    assert.equal(query?.get('set_presence'), 'offline');
    assert.equal(query?.get('since'), null);
    assert.equal(query?.get('device_id'), 'VOLLY');
    assert.deepEqual(JSON.parse(query?.get('filter') ?? '').room.rooms, []);
  });

  it('survives answers that are no answers', async () => {
    const one = bench(world);
    running = one.receiver;
    const answers: unknown[] = [
      null,
      7,
      'x',
      [],
      { next_batch: 7 },
      { next_batch: 's1', to_device: 7 },
      { next_batch: 's1', to_device: { events: [null, 7, {}, { sender: {} }] } },
    ];
    world.home.fault = ({ path }) =>
      path.endsWith('/sync') && answers.length > 0 ? { status: 200, body: answers.shift() } : undefined;
    await running.start();
    await until('all read', () => answers.length === 0);
    const id = await send();
    await until('routed', () => one.route.ids.includes(id));
  });
});
