/** One member, one peer server, one stranger against a bridge's queues. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceAddress, memberOf, newEnvelopeId, parseDeviceAddress, parseDeviceId, parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { Inbox } from '../../src/routing/inbox.ts';
import { Lives } from '../../src/routing/lives.ts';
import { Load } from '../../src/routing/load.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { alice, type Bridge, bob, fern, message, orchid, pair } from '../routing/bridge.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';

const random = seededRandom(6);
const mallory = parseDeviceAddress('mallory@orchid.example/PHONE');
const coded = (code: string) => ({ code });

describe('attacks on a bridge’s queues', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  let b: Bridge;

  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    ({ a, b } = await pair(clock, network));
  });

  afterEach(async () => {
    const stopping = Promise.all([a.junction.stop(), b.junction.stop()]);
    await clock.advance(20_000);
    await stopping;
  });

  it('presence under one id again and again leaves no bytes behind that never go', async () => {
    const { id } = message(clock);
    for (let i = 0; i < 40; i++) {
      const to = deviceAddress(memberOf(bob), parseDeviceId(`D${i}`));
      await a.send({ ...message(clock, { from: mallory, to, type: 'app.volly.presence', bytes: 20_000 }), id });
    }
    await clock.advance(10_000);
    assert.deepEqual(a.junction.load(), { peers: 0, bytes: 0 });
  });

  it('one member’s devices cannot fill the queue of all members', async () => {
    network.cut = true;
    let refused = 0;
    for (let i = 0; i < 900; i++) {
      const from = deviceAddress(memberOf(mallory), parseDeviceId(`D${i % 16}`));
      const to = parseDeviceAddress(`nobody@s${i % 50}.example/PHONE`);
      await a.send(message(clock, { from, to, bytes: 40_000 })).catch((error) => {
        assert.equal(error.code, 'overloaded');
        refused++;
      });
    }
    assert.ok(refused > 0 && a.junction.load().bytes <= LIMITS.outboxBytesPerMember);
    await a.send(message(clock));
  });

  it('nor address so many made-up servers that no other can be reached', async () => {
    network.cut = true;
    for (let i = 0; i < LIMITS.peersPerMember; i++)
      await a.send(message(clock, { from: mallory, to: parseDeviceAddress(`nobody@s${i}.example/PHONE`) }));
    const another = message(clock, { from: mallory, to: parseDeviceAddress('nobody@another.example/PHONE') });
    await assert.rejects(a.send(another), coded('overloaded'));
    await a.send(message(clock, { from: mallory, to: parseDeviceAddress('nobody@s1.example/PHONE') }));
    await a.send(message(clock));
  });

  it('a server that asks for keys and acknowledges nothing fills its own share only', async () => {
    const other = parseServerName('moss.example');
    a.shelf.set(
      'alice',
      Array.from({ length: LIMITS.devicesPerMember }, () => new Uint8Array(20_000)),
    );
    network.cut = true;
    const codes = new Set<string>();
    for (let i = 0; i < 140; i++) {
      const from = parseDeviceAddress(`m${i}@moss.example/PHONE`);
      const ids = { id: newEnvelopeId(random), request: newEnvelopeId(random) };
      const query: EnvelopeOf<'app.volly.keys.query'> = {
        ...{ ...ids, type: 'app.volly.keys.query', from, to: memberOf(alice), expires: clock.now() + 10_000 },
      };
      await a.junction.route(query, { kind: 'server', server: other }).catch((error) => codes.add(error.code));
    }
    assert.deepEqual([...codes], ['overloaded']);
    assert.ok(a.junction.load().bytes <= LIMITS.outboxBytesPerPeer);
    await a.send(message(clock));
  });

  it('and several of them leave room for what members say', () => {
    const load = new Load();
    const encoded = 'x'.repeat(LIMITS.envelopeBytes);
    for (let i = 0; i < 8; i++) {
      const peer = parseServerName(`moss${i}.example`);
      const bundle = { peer, type: 'app.volly.keys.bundle', from: memberOf(alice), encoded } as const;
      while (load.hasRoom(bundle)) load.add(bundle);
      const end = { peer, type: 'app.volly.undeliverable', from: orchid, encoded: 'x'.repeat(300) } as const;
      while (load.hasRoom(end)) load.add(end);
    }
    const call = { peer: fern, type: 'app.volly.call.offer', from: alice, encoded } as const;
    for (let i = 0; i < 100; i++) {
      assert.ok(load.hasRoom(call));
      load.add(call);
    }
    assert.ok(load.hasRoom({ peer: fern, type: 'app.volly.ack', from: orchid, encoded }));
  });

  it('one device of a server that asks for keys without end leaves the others their answers', async () => {
    b.shelf.set('bob', [new Uint8Array(100)]);
    const query = (from: string): EnvelopeOf<'app.volly.keys.query'> => ({
      ...{ id: newEnvelopeId(random), request: newEnvelopeId(random), type: 'app.volly.keys.query' },
      ...{ from: parseDeviceAddress(from), to: memberOf(bob), expires: clock.now() + 10_000 },
    });
    const ask = (from: string) => b.junction.route(query(from), { kind: 'server', server: orchid });
    const asked = await Promise.allSettled(Array.from({ length: 300 }, () => ask('mallory@orchid.example/PHONE')));
    assert.ok(asked.some(({ status }) => status === 'rejected'));
    await ask('alice@orchid.example/PHONE');
  });

  it('a server that greets without end writes a handful of lines into the log', async () => {
    for (let i = 0; i < 500; i++) {
      const time = clock.now() + 3_600_000;
      const hello = {
        id: newEnvelopeId(random),
        type: 'app.volly.hello',
        from: fern,
        to: orchid,
        expires: time,
        time,
        reply: true,
      };
      await a.junction.route(hello as EnvelopeOf<'app.volly.hello'>, { kind: 'server', server: fern });
    }
    assert.ok(a.warned.length <= 5, `${a.warned.length} lines`);
  });
});

describe('attacks on the inbox of a device that is away', () => {
  const kinds = { memory: async () => memoryStores(), sqlite: async () => openSqlite({ file: join(folder, 'volly.db') }) };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-attack-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('subscribes that take each other’s place for a week are not all remembered in memory', async () => {
    const [clock, stores] = [new ManualClock(), memoryStores()];
    // The newest only: the row before goes without a word.
    const store = { ...stores.inbox, accept: async () => 'accepted' as const };
    const doorway = { deliver: () => {}, delivered: () => {} };
    const inbox = new Inbox({ store, doorway, clock, lives: new Lives(clock), steps: { step() {} }, arrived: async () => {} });
    const origin = parseServerName('evil.example');
    const from = parseDeviceAddress('mallory@evil.example/PHONE');
    const ids = Array.from({ length: LIMITS.untouchedRows + 1 }, () => newEnvelopeId(random));
    const envelope = message(clock, { from });
    for (const id of ids) await inbox.accept(origin, bob, { ...envelope, id }, clock.now() + LIMITS.grantLifeMs);
    const first = { origin, id: ids[0]! };
    // Of what is forgotten the careful word is said.
    assert.equal(inbox.mayHaveArrived(first), true);
    assert.equal(inbox.mayHaveArrived({ origin, id: ids.at(-1)! }), false);
  });

  for (const [kind, open] of Object.entries(kinds)) {
    const fill = async (names: (i: number) => string, type: 'app.volly.call.hangup' | 'app.volly.presence.subscribe') => {
      const stores = await open();
      const put = (from: string, i: number) => {
        const origin = parseServerName(from.replace(/^.*@|\/.*$/g, ''));
        const key = { origin, id: newEnvelopeId(random), forgetAt: 9 };
        return stores.inbox.accept(key, { ...key, type, to: bob, from, expires: 9, encoded: `${i}` });
      };
      const results: string[] = [];
      for (let i = 0; i < 600; i++) results.push(await put(names(i), i));
      return { stores, put, accepted: results.filter((result) => result === 'accepted').length };
    };

    it(`one server takes half of it (${kind})`, async () => {
      const { stores, put, accepted } = await fill((i) => `m${i}@evil.example/PHONE`, 'app.volly.call.hangup');
      assert.equal(accepted, LIMITS.inboxPerDeviceOfOrigin);
      assert.equal(await put('alice@orchid.example/PHONE', 0), 'accepted');
      await stores.close();
    });

    it(`one member with all its devices takes a small part of it (${kind})`, async () => {
      const { stores, put, accepted } = await fill((i) => `mallory@orchid.example/D${i}`, 'app.volly.call.hangup');
      assert.equal(accepted, LIMITS.inboxPerDeviceOfMember);
      assert.equal(await put('mallory@orchid.example.com/D1', 0), 'accepted');
      assert.equal(await put('alice@orchid.example/PHONE', 0), 'accepted');
      await stores.close();
    });

    it(`a contact that asks again each 10 min for a week waits there once (${kind})`, async () => {
      const { stores, accepted } = await fill(() => 'alice@orchid.example/PHONE', 'app.volly.presence.subscribe');
      assert.equal(accepted, 600);
      assert.deepEqual(
        (await stores.inbox.waiting(bob)).map(({ encoded }) => encoded),
        ['599'],
      );
      await stores.close();
    });
  }
});
