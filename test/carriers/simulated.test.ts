import { parseServerName } from '../../src/ids.ts';
import { ManualClock } from '../support/clock.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { type Arrived, carrierContract } from './contract.ts';

describe('the simulated carrier', () => {
  carrierContract(async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork(clock);
    const own = parseServerName('orchid.example');
    const peer = parseServerName('fern.example');
    const events: Arrived[] = [];
    network.attach(own, () => {});
    network.attach(peer, (origin, type, encoded) => events.push({ origin, type, encoded }));
    return {
      own,
      peer,
      nowhere: parseServerName('nowhere.example'),
      carrier: network.carrier(own),
      async arrived() {
        await clock.advance(1_000);
        return events;
      },
      async finish(call) {
        await clock.advance(100);
        return call;
      },
      close: async () => {},
    };
  });
});
