import assert from 'node:assert/strict';
import { newEnvelopeId, parseDeviceAddress, parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type EnvelopeOf, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, type Bridge, bob, moss, orchid, pair } from './bridge.ts';

const random = seededRandom(17);

describe('key queries', () => {
  let clock: ManualClock;
  let a: Bridge;
  let b: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    ({ a, b } = await pair(clock, new SimulatedNetwork(clock)));
  });

  const query = (from = alice, member = 'bob@fern.example'): EnvelopeOf<'app.volly.keys.query'> => ({
    id: newEnvelopeId(random),
    type: 'app.volly.keys.query',
    from,
    to: parseMemberId(member),
    expires: clock.now() + LIMITS.keysLifeMs,
    request: newEnvelopeId(random),
  });
  const bundles = (bridge: Bridge) =>
    bridge.delivered.flatMap((envelope) =>
      envelope.type === 'app.volly.keys.bundle' ? [[envelope.request, envelope.index, envelope.count, envelope.bundle?.[0]]] : [],
    );

  it('are answered with one bundle a device, also for members who are away', async () => {
    b.offline.add(bob);
    b.shelf.set('bob', [Uint8Array.of(5), Uint8Array.of(6)]);
    const asked = query();
    await a.send(asked);
    await clock.advance(300);
    assert.deepEqual(bundles(a), [
      [asked.request, 0, 2, 5],
      [asked.request, 1, 2, 6],
    ]);
    b.receive(orchid, [encodeEnvelope(asked)]);
    await clock.advance(300);
    assert.equal(bundles(a).length, 2);
  });

  it('are answered once where repeats of one come together, as after an outage', async () => {
    b.shelf.set('bob', [Uint8Array.of(5)]);
    const asked = query();
    const text = encodeEnvelope(asked);
    b.receive(orchid, [text, text, text]);
    await clock.advance(300);
    assert.deepEqual(bundles(a), [[asked.request, 0, 1, 5]]);
    assert.deepEqual(b.refused, []);
  });

  it('are answered with none for nobody, and inside one community', async () => {
    const [nobody, own] = [query(alice, 'nobody@fern.example'), query(alice, 'alice@orchid.example')];
    a.shelf.set('alice', [Uint8Array.of(7)]);
    await a.send(nobody);
    await a.send(own);
    await clock.advance(300);
    assert.deepEqual(bundles(a), [
      [own.request, 0, 1, 7],
      [nobody.request, 0, 0, undefined],
    ]);
  });

  it('of one server are limited without limiting another', async () => {
    const asker = (i: number) => parseDeviceAddress(`alice@orchid.example/D${i % 10}`);
    const flood = Array.from({ length: LIMITS.keyQueriesBurst + 10 }, (_, i) => encodeEnvelope(query(asker(i))));
    b.receive(orchid, flood);
    b.receive(moss, [encodeEnvelope(query(parseDeviceAddress('dora@moss.example/PHONE')))]);
    await clock.advance(100);
    assert.deepEqual(
      b.refused,
      Array.from({ length: 10 }, () => 'rate_limited'),
    );
  });
});
