import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type EnvelopeOf, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, orchid } from './bridge.ts';

/** Stores of a disk that can be full: every change is refused then, and nothing is changed. */
function breakable(): { stores: Stores; disk: { full: boolean } } {
  const disk = { full: false };
  const guard = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => (disk.full ? Promise.reject(new VollyError('database')) : method.apply(target, args));
      },
    });
  const stores = memoryStores();
  return { stores: { ...stores, inbox: guard(stores.inbox), outbox: guard(stores.outbox) }, disk };
}

describe('the junction on a full disk', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let disk: { full: boolean };
  let a: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    network.attach(fern, () => {});
    const broken = breakable();
    disk = broken.disk;
    a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], stores: broken.stores });
    await a.junction.start();
  });

  it('promises nothing: no acceptance to an app, no ack to a server', async () => {
    disk.full = true;
    await assert.rejects(a.send(message(clock)), { code: 'database' });
    a.receive(fern, [encodeEnvelope(message(clock, { from: bob, to: alice }))]);
    await clock.advance(5_000);
    assert.deepEqual(a.refused, ['database']);
    assert.deepEqual(network.sent, []);
    assert.deepEqual(a.junction.load(), { peers: 0, bytes: 0 });
  });

  it('remembers nothing before it has said that there is no such member: the repeat is answered', async () => {
    const stores = memoryStores();
    let full = true;
    const put: typeof stores.outbox.put = async (row) => {
      if (full) throw new VollyError('database');
      return stores.outbox.put(row);
    };
    const outbox = { ...stores.outbox, put };
    const b = new Bridge({ server: orchid, clock, networks: [network], devices: [], stores: { ...stores, outbox } });
    await b.junction.start();
    const nobody = encodeEnvelope(message(clock, { from: bob, to: alice }));
    b.receive(fern, [nobody]);
    await clock.advance(500);
    assert.deepEqual([b.refused, network.sent], [['database'], []]);
    full = false;
    b.receive(fern, [nobody]);
    await clock.advance(500);
    const [end] = eventsOf(network, 'app.volly.undeliverable');
    assert.equal(JSON.parse(end!.encoded[0]!).reason, 'unknown_member');
    assert.equal(eventsOf(network, 'app.volly.ack').length, 1);
  });

  it('tells the ends it owes once there is room', async () => {
    const remote = message(clock);
    const local = message(clock, { to: alice });
    a.offline.add(alice);
    await a.send(remote);
    await a.send(local);
    await clock.advance(24_000);
    disk.full = true;
    await clock.advance(20_000);
    disk.full = false;
    await clock.advance(2_000);
    await a.connect(alice);
    assert.deepEqual(a.ends(remote.id), ['unconfirmed']);
    assert.deepEqual(a.ends(local.id), ['undeliverable']);
  });

  it('does not wear itself out with ends that it cannot tell', async () => {
    const members = Array.from({ length: 4 }, (_, n) => parseDeviceAddress(`m${n}@orchid.example/PHONE`));
    for (let n = 0; n < 1_600; n++) await a.send(message(clock, { from: members[n % 4]! }));
    await clock.advance(24_000);
    disk.full = true;
    await clock.advance(10_000);
    const failed = a.counted.get('end_failed')!;
    await clock.advance(1_000);
    assert.equal(a.counted.get('end_failed')! - failed, 4 * 500);
    disk.full = false;
    await clock.advance(2_000);
    assert.deepEqual(await a.stores.outbox.all(), []);
    assert.equal(a.counted.get('ended'), 1_600);
  });

  it('acknowledges what is repeated after it was written at last', async () => {
    const text = encodeEnvelope(message(clock, { from: bob, to: alice }));
    disk.full = true;
    a.receive(fern, [text]);
    await clock.advance(1_000);
    disk.full = false;
    a.receive(fern, [text]);
    await clock.advance(1_000);
    assert.equal(a.delivered.length, 1);
    assert.equal(eventsOf(network, 'app.volly.ack').length, 1);
  });
});

describe('envelopes that are remembered for a week', () => {
  it('are limited for each device', async () => {
    const clock = new ManualClock();
    const random = seededRandom(3);
    const a = new Bridge({ server: orchid, clock, networks: [new SimulatedNetwork(clock)], devices: [alice] });
    const grant = (): EnvelopeOf<'app.volly.presence.grant'> => ({
      id: newEnvelopeId(random),
      type: 'app.volly.presence.grant',
      from: alice,
      to: alice,
      expires: clock.now() + LIMITS.grantLifeMs,
      header: random(1),
      quantum_key: random(1),
      sealed: random(1),
      signature: random(1),
    });
    for (let i = 0; i < LIMITS.lastingBurst; i++) await a.send(grant());
    await assert.rejects(a.send(grant()), { code: 'rate_limited' });
    await clock.advance(10_000);
    await a.send(grant());
    await a.send(message(clock, { to: alice }));
  });
});
