/** What every carrier keeps: src/routing/ports.ts. */
import assert from 'node:assert/strict';
import { newEnvelopeId, parseDeviceAddress, type ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type EnvelopeType, encodeEnvelope } from '../../src/protocol/envelope.ts';
import type { Carrier } from '../../src/routing/ports.ts';
import { seededRandom } from '../support/clock.ts';

export interface Arrived {
  readonly origin: ServerName;
  readonly type: EnvelopeType;
  readonly encoded: readonly string[];
}

export interface CarrierUnderTest {
  readonly own: ServerName;
  readonly carrier: Carrier;
  /** A community whose receiver is up; and one that does not exist. */
  readonly peer: ServerName;
  readonly nowhere: ServerName;
  /** Waits until at least `count` events have arrived at `peer`, at most some seconds, and gives all of them. */
  arrived(count: number): Promise<readonly Arrived[]>;
  /** Lets a call of the carrier come to its end: advances a manual clock, or just waits. */
  finish<T>(call: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const TYPE = 'app.volly.call.candidates';

export function carrierContract(open: () => Promise<CarrierUnderTest>): void {
  let test: CarrierUnderTest;
  const random = seededRandom(7);
  const encoded = (sealedBytes: number): string =>
    encodeEnvelope({
      id: newEnvelopeId(random),
      type: TYPE,
      from: parseDeviceAddress(`alice@${test.own}/PHONE`),
      to: parseDeviceAddress(`bob@${test.peer}/PHONE`),
      expires: 1_900_000_000_000,
      header: random(200),
      sealed: random(sealedBytes),
    });
  beforeEach(async () => {
    test = await open();
  });
  afterEach(() => test.close());

  it('brings envelopes unchanged and in order, under their type and the sending server', async () => {
    const envelopes = [encoded(100), encoded(200), encoded(300)];
    await test.finish(test.carrier.send(test.peer, TYPE, envelopes));
    assert.deepEqual(await test.arrived(1), [{ origin: test.own, type: TYPE, encoded: envelopes }]);
  });

  it('carries a whole event’s worth', async () => {
    const envelopes = [encoded(22_000), encoded(22_000)];
    assert.ok(envelopes.join('').length > LIMITS.eventBytes - 1_500 && envelopes.join('').length <= LIMITS.eventBytes);
    await test.finish(test.carrier.send(test.peer, TYPE, envelopes));
    assert.deepEqual((await test.arrived(1))[0]?.encoded, envelopes);
  });

  it('carries as many small envelopes as an event may hold', async () => {
    // Short enough that only their number is at its limit.
    const small = Array.from({ length: LIMITS.envelopesPerEvent }, (_, n) => `{"n":${n}}`);
    await test.finish(test.carrier.send(test.peer, TYPE, small));
    const [event] = await test.arrived(1);
    assert.deepEqual(event?.encoded, small);
  });

  it('sends the same bytes again when it is asked to', async () => {
    const envelopes = [encoded(100)];
    await test.finish(test.carrier.send(test.peer, TYPE, envelopes));
    await test.finish(test.carrier.send(test.peer, TYPE, envelopes));
    const events = await test.arrived(2);
    assert.deepEqual(
      events.map((event) => event.encoded),
      [envelopes, envelopes],
    );
  });

  it('bears several requests at once', async () => {
    const events = Array.from({ length: LIMITS.requestsPerPeer }, () => [encoded(1_000)]);
    await test.finish(Promise.all(events.map((event) => test.carrier.send(test.peer, TYPE, event))));
    const arrived = await test.arrived(events.length);
    assert.deepEqual(arrived.map((event) => event.encoded[0]).sort(), events.map((event) => event[0]).sort());
  });

  it('answers whether a peer can be woken, and never throws', async () => {
    assert.equal(await test.finish(test.carrier.wake(test.peer)), true);
    assert.equal(await test.finish(test.carrier.wake(test.nowhere)), false);
  });
}
