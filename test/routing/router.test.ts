import assert from 'node:assert/strict';
import { newEnvelopeId, parseDeviceAddress, parseMemberId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Envelope, EnvelopeOf } from '../../src/protocol/envelope.ts';
import { createPolicy } from '../../src/routing/policy.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, bob, eventsOf, fern, message, moss, offer, orchid, pair } from './bridge.ts';

const random = seededRandom(11);
const carol = parseDeviceAddress('carol@orchid.example/PHONE');
const dora = parseDeviceAddress('dora@moss.example/PHONE');

describe('the router', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  let b: Bridge;
  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock);
    ({ a, b } = await pair(clock, network));
  });
  const ack = (from: typeof orchid, to: typeof orchid, ...envelopes: readonly Envelope[]): EnvelopeOf<'app.volly.ack'> => ({
    id: newEnvelopeId(random),
    type: 'app.volly.ack',
    from,
    to,
    expires: clock.now() + 30_000,
    acks: envelopes.map((envelope) => envelope.id),
  });
  const fromServer = (envelope: Envelope, server = orchid) => b.junction.route(envelope, { kind: 'server', server });

  it('R10 an envelope whose Matrix sender is not the bridge user of the server in its from is dropped, an ack likewise', async () => {
    const forged = offer(clock);
    await assert.rejects(fromServer(forged, moss), { code: 'wrong_sender' });
    network.cut = true;
    const waiting = offer(clock);
    await a.send(waiting);
    await clock.advance(100);
    const route = (envelope: Envelope, server: typeof orchid) => a.junction.route(envelope, { kind: 'server', server });
    // Moss in Fern's name; and Moss in its own, for what was not sent to it.
    await assert.rejects(route(ack(fern, orchid, waiting), moss), { code: 'wrong_sender' });
    await route(ack(moss, orchid, waiting), moss);
    assert.deepEqual(
      (await a.stores.outbox.all()).map((row) => row.id),
      [waiting.id],
    );
    await route(ack(fern, orchid, waiting), fern);
    assert.deepEqual(await a.stores.outbox.all(), []);
    await clock.advance(100);
    assert.equal(b.delivered.length, 0);
    assert.equal(eventsOf(network, 'app.volly.ack').length, 0);
  });

  it('takes nothing from the network in its own name, and nothing that is for others', async () => {
    await assert.rejects(fromServer(message(clock, { from: bob, to: bob }), fern), { code: 'wrong_sender' });
    await assert.rejects(fromServer(message(clock, { to: dora })), { code: 'wrong_recipient' });
  });

  it('lets a device speak for itself only', async () => {
    const device = (envelope: Envelope) => a.junction.route(envelope, { kind: 'device', device: alice });
    await assert.rejects(device(message(clock, { from: carol })), { code: 'wrong_sender' });
    await assert.rejects(device(ack(orchid, fern)), { code: 'wrong_sender' });
    const bundle: Envelope = {
      id: newEnvelopeId(random),
      type: 'app.volly.keys.bundle',
      from: parseMemberId('alice@orchid.example'),
      to: bob,
      expires: clock.now() + 5_000,
      request: newEnvelopeId(random),
      index: 0,
      count: 0,
    };
    await assert.rejects(device(bundle), { code: 'wrong_sender' });
    const foreign = message(clock, { from: bob, to: dora });
    await assert.rejects(a.junction.route(foreign, { kind: 'device', device: bob }), { code: 'wrong_sender' });
    await assert.rejects(a.junction.route(foreign, { kind: 'self' }), { code: 'wrong_sender' });
    await a.junction.route(message(clock), { kind: 'self' });
  });

  it('refuses what is past its end or would live longer than its type may, the same both ways', async () => {
    const left = (ms: number) => message(clock, { expires: clock.now() + ms });
    for (const route of [(envelope: Envelope) => fromServer(envelope), (envelope: Envelope) => a.send(envelope)]) {
      await assert.rejects(route(left(0)), { code: 'expired' });
      await assert.rejects(route(left(LIMITS.messageLifeMs + LIMITS.futureMs + 1)), { code: 'clock_skew' });
      await route(left(LIMITS.messageLifeMs + LIMITS.futureMs));
      await assert.rejects(route({ ...offer(clock), expires: clock.now() + 90_001 }), { code: 'clock_skew' });
    }
  });

  it('believes an ack whatever its clock says', async () => {
    network.cut = true;
    const envelope = offer(clock);
    await a.send(envelope);
    const late = { ...ack(fern, orchid, envelope), expires: clock.now() - 3_600_000 };
    await a.junction.route(late, { kind: 'server', server: fern });
    assert.deepEqual(await a.stores.outbox.all(), []);
  });

  it('keeps to the operator’s lists both ways', async () => {
    const closed = new Bridge({
      server: orchid,
      clock,
      networks: [network],
      devices: [alice],
      policy: { deny: ['fern.example'] },
    });
    await assert.rejects(closed.send(message(clock)), { code: 'denied_by_policy' });
    const inbound = message(clock, { from: bob, to: alice });
    await assert.rejects(closed.junction.route(inbound, { kind: 'server', server: fern }), { code: 'denied_by_policy' });
    await closed.send(message(clock, { to: dora }));
    await closed.send(message(clock, { to: alice }));
  });
});

describe('the policy', () => {
  it('knows names and names below a name; what is denied is not allowed', () => {
    const policy = createPolicy({ allow: ['*.example', 'localhost:8448'], deny: ['moss.example'] });
    assert.deepEqual(
      [orchid, moss, 'sub.fern.example:8448', 'localhost:8448', 'localhost', 'badexample'].map((name) =>
        policy(name as typeof orchid),
      ),
      [true, false, true, true, false, false],
    );
    assert.equal(createPolicy({})(moss), true);
  });
});
