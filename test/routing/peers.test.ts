import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, parseDeviceAddress, parseServerName, type ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { encodeEnvelope } from '../../src/protocol/envelope.ts';
import type { PolicyOptions } from '../../src/routing/policy.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, moss, offer, orchid, pair } from './bridge.ts';

const HOUR = 3_600_000;
const random = seededRandom(31);

describe('known peers', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  beforeEach(() => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
  });
  const orchidOn = (stores: Stores, policy: PolicyOptions = {}) =>
    new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores, policy });
  const hello = (from: ServerName, reply = true, time = clock.now()) =>
    encodeEnvelope({ id: newEnvelopeId(random), type: 'app.volly.hello', from, to: orchid, expires: time + 30_000, time, reply });
  const greeted = () => eventsOf(network, 'app.volly.hello').map(({ peer }) => peer);
  const names = (count: number) => Array.from({ length: count }, (_, n) => parseServerName(`s${n}.example`));

  it('are those whose bridges spoke, remembered after a minute, over a stop and a crash', async () => {
    const stores = memoryStores();
    const a = orchidOn(stores);
    await a.junction.start();
    a.receive(fern, [hello(fern)]);
    await clock.advance(59_000);
    assert.deepEqual(await stores.peers.all(), []);
    const heardAt = clock.now() - 59_000;
    await clock.advance(1_000);
    assert.deepEqual(await stores.peers.all(), [{ server: fern, heardAt }]);
    a.receive(moss, [hello(moss)]);
    await clock.advance(10);
    const stopping = a.junction.stop();
    await clock.advance(4_000);
    await stopping;
    assert.deepEqual(
      (await stores.peers.all()).map(({ server }) => server),
      [fern, moss],
    );
    const again = orchidOn(stores);
    await again.junction.start();
    assert.deepEqual(
      again.junction.peers().map(({ server, heardAt: at }) => [server, at]),
      [
        [moss, heardAt + 60_000],
        [fern, heardAt],
      ],
    );
  });

  it('are written again only where that says something new', async () => {
    const stores = memoryStores();
    let writes = 0;
    const put = stores.peers.put;
    const counted: Stores['peers'] = {
      ...stores.peers,
      put(rows) {
        writes++;
        return put(rows);
      },
    };
    const a = orchidOn({ ...stores, peers: counted });
    await a.junction.start();
    for (let i = 0; i < 30; i++) {
      a.receive(fern, [encodeEnvelope(message(clock, { from: bob, to: alice }))]);
      await clock.advance(60_000);
    }
    assert.equal(writes, 1);
    a.receive(fern, [hello(fern, true, clock.now() + 25_000)]);
    await clock.advance(61_000);
    assert.equal(writes, 2);
    assert.equal(a.junction.peers()[0]?.skewMs, 25_000);
    await clock.advance(HOUR);
    a.receive(fern, [encodeEnvelope(message(clock, { from: bob, to: alice }))]);
    await clock.advance(61_000);
    assert.equal(writes, 3);
  });

  it('are written later when the database is away', async () => {
    const stores = memoryStores();
    let away = true;
    const put: typeof stores.peers.put = (rows) => (away ? Promise.reject(new VollyError('database')) : stores.peers.put(rows));
    const a = orchidOn({ ...stores, peers: { ...stores.peers, put } });
    await a.junction.start();
    a.receive(fern, [hello(fern)]);
    await clock.advance(61_000);
    away = false;
    await clock.advance(61_000);
    assert.equal((await stores.peers.all()).length, 1);
    assert.equal(a.counted.get('peers_failed'), 1);
  });

  it('are greeted at the start, when asked for, and about each hour; what waits for them goes at once', async () => {
    const stores = memoryStores();
    await stores.peers.put([{ server: fern, heardAt: clock.now() }]);
    network.attach(fern, () => {});
    const a = orchidOn(stores);
    await a.junction.start();
    await clock.advance(1_000);
    assert.deepEqual(greeted(), [fern]);
    a.junction.greet();
    await clock.advance(1_000);
    assert.equal(greeted().length, 2);
    await clock.advance(HOUR * 0.8);
    assert.equal(greeted().length, 2);
    await clock.advance(HOUR * 0.4);
    assert.equal(greeted().length, 3);
    await clock.advance(HOUR * 3);
    assert.ok(greeted().length >= 5 && greeted().length <= 7, String(greeted().length));
    const stopping = a.junction.stop();
    await clock.advance(4_000);
    await stopping;
    assert.equal(clock.timers, 0);
  });

  it('answer a greeting by sending what waits here', async () => {
    const { a, b } = await pair(clock, network);
    await a.send(message(clock));
    await clock.advance(1_000);
    network.refusal = new VollyError('homeserver_unreachable');
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(12_000);
    assert.equal(b.got(envelope.id), 0);
    network.refusal = undefined;
    // Fern's homeserver is back, which Orchid's bridge cannot know.
    b.junction.greet();
    await clock.advance(100);
    assert.equal(b.got(envelope.id), 1);
  });

  it('have what waits for them sent at once when the own homeserver is back', async () => {
    const { a, b } = await pair(clock, network);
    network.refusal = new VollyError('homeserver_unreachable');
    const envelopes = Array.from({ length: 5 }, () => offer(clock));
    for (const envelope of envelopes) await a.send(envelope);
    await clock.advance(20_000);
    network.refusal = undefined;
    a.junction.greet();
    await clock.advance(100);
    assert.deepEqual(
      envelopes.map(({ id }) => b.got(id)),
      [1, 1, 1, 1, 1],
    );
  });

  it('are not greeted where the operator denies them', async () => {
    const stores = memoryStores();
    await stores.peers.put([fern, moss].map((server) => ({ server, heardAt: clock.now() })));
    await orchidOn(stores, { deny: ['fern.example'] }).junction.start();
    await clock.advance(1_000);
    assert.deepEqual(greeted(), [moss]);
  });

  it('are greeted some each second, last heard first, each once a round', async () => {
    const stores = memoryStores();
    const servers = names(500);
    await stores.peers.put(servers.map((server, n) => ({ server, heardAt: n })));
    for (const server of servers) network.attach(server, () => {});
    const a = orchidOn(stores);
    await a.junction.start();
    await clock.advance(500);
    assert.deepEqual(greeted(), servers.slice(-LIMITS.greetsPerSecond).reverse());
    await clock.advance(2_000);
    assert.equal(greeted().length, 3 * LIMITS.greetsPerSecond);
    await clock.advance(30_000);
    assert.deepEqual(new Set(greeted()), new Set(servers));
    assert.equal(greeted().length, servers.length);
    // A round that begins anew takes the place of the one under way: no two at once.
    a.junction.greet();
    await clock.advance(100);
    a.junction.greet();
    await clock.advance(40_000);
    assert.ok(greeted().length <= 2 * servers.length + LIMITS.greetsPerSecond);
  });

  it('are bounded in memory, whoever speaks', async () => {
    const a = orchidOn(memoryStores());
    await a.junction.start();
    for (const server of names(LIMITS.peers + 5)) a.receive(server, [hello(server)]);
    await clock.advance(1_000);
    assert.equal(a.junction.peers().length, LIMITS.peers);
    assert.equal((await a.junction.counts()).peers, LIMITS.peers);
  });
});

describe('the state of a peer', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice] });
    await a.junction.start();
  });
  const state = () => a.junction.peers()[0];

  it('says what waits, since when, and whether server and bridge answer', async () => {
    assert.deepEqual(a.junction.peers(), []);
    await a.send(offer(clock));
    await a.send(offer(clock));
    const bytes = (await a.stores.outbox.all()).reduce((sum, row) => sum + row.encoded.length, 0);
    await clock.advance(1_900);
    assert.deepEqual(state(), { server: fern, state: 'ok', waiting: 2, bytes, oldestMs: 1_900 });
    await clock.advance(5_000);
    assert.equal(state()?.state, 'unreachable');
    network.attach(fern, () => {});
    await clock.advance(3_500);
    assert.equal(state()?.state, 'silent');
    const b = new Bridge({ server: fern, clock, networks: [network], devices: [bob] });
    await b.junction.start();
    b.junction.greet();
    await clock.advance(20_000);
    assert.equal(b.delivered.length, 2);
    const { heardAt, skewMs, ...rest } = state()!;
    assert.deepEqual(rest, { server: fern, state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 });
    assert.ok(heardAt !== undefined && heardAt <= clock.now());
    assert.ok(skewMs === undefined || skewMs === 0);
  });

  it('is `waiting` while nobody knows yet', async () => {
    let answer = (_: boolean): void => {};
    const carrier = {
      ...network.carrier(orchid),
      wake: () =>
        new Promise<boolean>((resolve) => {
          answer = resolve;
        }),
    };
    const slow = new Bridge({ server: orchid, clock, networks: [], carriers: [carrier] });
    await slow.junction.start();
    await slow.send(offer(clock));
    await clock.advance(5_000);
    assert.equal(slow.junction.peers()[0]?.state, 'waiting');
    answer(true);
    await clock.advance(1);
    assert.equal(slow.junction.peers()[0]?.state, 'silent');
  });

  it('has a clock that is behind, as a reply shows', async () => {
    network.attach(fern, () => {});
    const reply = (time: number) =>
      encodeEnvelope({
        id: newEnvelopeId(random),
        type: 'app.volly.hello',
        from: fern,
        to: orchid,
        expires: time,
        time,
        reply: true,
      });
    a.receive(fern, [reply(clock.now())]);
    await clock.advance(1_000);
    // Nobody asked, so an old time says nothing.
    assert.equal(state()?.skewMs, undefined);
    a.junction.greet();
    const asked = clock.now();
    await clock.advance(500);
    a.receive(fern, [reply(asked - 30_000)]);
    await clock.advance(1);
    assert.equal(state()?.skewMs, -30_000);
    assert.deepEqual(a.warned, ['clock_skew']);
    a.junction.greet();
    await clock.advance(500);
    a.receive(fern, [reply(clock.now() - 100)]);
    await clock.advance(1);
    assert.equal(state()?.skewMs, 0);
  });

  it('is one part of how full the junction is', async () => {
    a.offline.add(alice);
    const device = parseDeviceAddress('bob@fern.example/PHONE');
    for (let i = 0; i < 3; i++) a.receive(fern, [encodeEnvelope(message(clock, { from: device, to: alice }))]);
    await a.send(offer(clock));
    await clock.advance(50);
    const { outboxBytes, ...counts } = await a.junction.counts();
    assert.deepEqual(counts, { outbox: 1, inbox: 3, seen: 3, acks: 3, peers: 1 });
    assert.equal(outboxBytes, (await a.stores.outbox.all())[0]?.encoded.length);
    await clock.advance(100);
    assert.equal((await a.junction.counts()).acks, 0);
  });
});
