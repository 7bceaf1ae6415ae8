import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock.ts';
import { bridgeUserOf } from '../../src/ids.ts';
import { ToDeviceCarrier } from '../../src/matrix/to-device.ts';
import { FakeHomeserver, type Fault } from '../support/fake-homeserver.ts';
import { clientOf, IRIS, ORCHID } from './fake-world.ts';
import { HELLO } from './receiver-contract.ts';

const once = (answer: ReturnType<Fault>): Fault => {
  let left = 1;
  return () => (left-- > 0 ? answer : undefined);
};

describe('to-device carrier', () => {
  let home: FakeHomeserver;
  let carrier: ToDeviceCarrier;
  beforeEach(async () => {
    home = await new FakeHomeserver(ORCHID).start();
    home.users.add(bridgeUserOf(ORCHID));
    carrier = new ToDeviceCarrier({ client: clientOf(home), clock: systemClock });
  });
  afterEach(() => home.stop());
  const queries = () => home.count('POST', '/keys/query');
  const probes = () => home.count('GET', '/profile/');

  it('sends the bytes it was given to the peer’s bridge user, each time under another id', async () => {
    const encoded = ['{"id":"a","x":1.0}', '{ "id":"b" }'];
    await carrier.send(IRIS, HELLO, encoded);
    await carrier.send(IRIS, HELLO, encoded);
    const [first, second] = home.requests;
    assert.equal(first?.body, `{"messages":{"@_volly.bridge:iris.example":{"VOLLY":{"envelopes":[${encoded.join(',')}]}}}}`);
    assert.match(first?.path ?? '', /\/sendToDevice\/app\.volly\.hello\/[0-9a-f-]{36}$/);
    assert.notEqual(first?.path, second?.path);
  });

  it('rejects with what the homeserver said', async () => {
    home.fault = once({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    await assert.rejects(carrier.send(IRIS, HELLO, ['{}']), { code: 'homeserver_refused', errcode: 'M_TOO_LARGE' });
    await home.stop();
    // The connection that was kept alive may break under it: then it may have left.
    await carrier.send(IRIS, HELLO, ['{}']).catch(() => {});
    await assert.rejects(carrier.send(IRIS, HELLO, ['{}']), { code: 'homeserver_absent' });
  });

  it('wakes with a key query, which records a back-off, then probes the profile, which clears it', async () => {
    assert.equal(await carrier.wake(IRIS), false);
    assert.deepEqual([queries(), probes()], [1, 1]);
    const peer = new FakeHomeserver(IRIS);
    peer.profiles.set('@_volly.bridge:iris.example', 'Volly bridge');
    home.peers.set(IRIS, peer);
    assert.equal(await carrier.wake(IRIS), true);
    const { requests } = home;
    assert.deepEqual(
      requests.map(({ method }) => method),
      ['POST', 'GET', 'POST', 'GET'],
    );
  });

  it('queries in the next outage too, of whose end before it has not heard', async () => {
    assert.equal(await carrier.wake(IRIS), false);
    // Iris is heard from again, so nobody wakes it until the next cut, a moment later.
    assert.equal(await carrier.wake(IRIS), false);
    assert.deepEqual([queries(), probes()], [2, 2]);
  });

  it('counts a server as awake that answers that it shows no such profile', async () => {
    home.peers.set(IRIS, new FakeHomeserver(IRIS));
    assert.equal(await carrier.wake(IRIS), true);
  });

  it('does not take for an outage of the peer’s what its own homeserver says or does not say', async () => {
    for (const answer of [
      { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } },
      { status: 401, body: {} },
    ]) {
      home.fault = ({ path }) => (path.includes('/profile/') ? answer : undefined);
      await assert.rejects(carrier.wake(IRIS));
    }
    await home.stop();
    await assert.rejects(new ToDeviceCarrier({ client: clientOf(home), clock: systemClock }).wake(IRIS));
  });

  it('does not let a key query that hangs hold up the probe', async () => {
    home.fault = ({ path }) => (path.endsWith('/keys/query') ? 'hang' : undefined);
    const begun = performance.now();
    assert.equal(await carrier.wake(IRIS), false);
    assert.ok(performance.now() - begun < 4_000);
    assert.equal(await carrier.wake(IRIS), false);
    assert.deepEqual([queries(), probes()], [1, 2], 'one query at a time');
  });
});
