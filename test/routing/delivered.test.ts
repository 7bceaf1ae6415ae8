/** The sender of an offer is told that its addressee's bridge has it. PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import { type EnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { alice, Bridge, message, offer, orchid, pair } from './bridge.ts';

describe('delivered', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let a: Bridge;
  const told = (id: EnvelopeId) => `${alice} ${id}`;

  beforeEach(async () => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock, 1, { duplicate: 1 });
    ({ a } = await pair(clock, network));
  });

  it('once, when the other bridge acknowledged an offer, and of nothing else', async () => {
    const one = offer(clock);
    await a.send(one);
    assert.deepEqual(a.told, [], 'it has not left yet');
    await a.send(message(clock));
    await clock.advance(5_000);
    assert.deepEqual(a.told, [told(one.id)]);
  });

  it('not while the other bridge is out of reach, and then when it is back', async () => {
    network.cut = true;
    const one = offer(clock);
    await a.send(one);
    await clock.advance(20_000);
    assert.deepEqual(a.told, []);
    network.cut = false;
    await clock.advance(15_000);
    assert.deepEqual(a.told, [told(one.id)]);
  });

  it('by the run of a bridge that took over an earlier one’s offer', async () => {
    network.cut = true;
    const one = offer(clock);
    await a.send(one);
    const stopping = a.junction.stop();
    await clock.advance(3_000);
    await stopping;
    network.cut = false;
    const again = new Bridge({ server: orchid, clock, networks: [network], stores: a.stores });
    await again.junction.start();
    await clock.advance(5_000);
    assert.deepEqual(again.told, [told(one.id)]);
  });

  it('at once for a member of the same community, and for no device that is not there', async () => {
    const carol = parseDeviceAddress('carol@orchid.example/PHONE');
    const both = new Bridge({ server: orchid, clock, networks: [], devices: [alice, carol] });
    await both.junction.start();
    const [here, nobody] = [offer(clock, alice, carol), offer(clock, alice, parseDeviceAddress('dave@orchid.example/PHONE'))];
    await both.send(here);
    await both.send(nobody);
    assert.deepEqual(both.told, [told(here.id)]);
    assert.deepEqual(both.ends(nobody.id), ['unknown_member']);
    await both.junction.stop();
  });
});
