/** The carrier contract over two real homeservers, from orchid to iris, and waking after a cut. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { parseServerName } from '../../src/ids.ts';
import { sync } from '../../src/matrix/sync.ts';
import { ToDeviceCarrier } from '../../src/matrix/to-device.ts';
import type { EnvelopeType } from '../../src/protocol/envelope.ts';
import { type Arrived, type CarrierUnderTest, carrierContract } from '../carriers/contract.ts';
import { type Programs, startTwoHomes, type TwoHomes } from './matrix-world.ts';

const WAIT_MS = 10_000;

interface Event {
  readonly sender: string;
  readonly type: EnvelopeType;
  readonly content: { readonly envelopes: readonly Record<string, unknown>[] };
}

/** Federation sorts the keys of JSON; the order in which an envelope was written is put back to compare it. */
const ORDER = ['id', 'type', 'from', 'to', 'expires', 'header', 'sealed'];
const written = (envelope: Record<string, unknown>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(envelope).sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b))));

export const carrierSuite = (title: string, programs: Programs = {}): void =>
  void describe(title, () => {
    let homes: TwoHomes;
    let since: string | undefined;
    before(async () => {
      homes = await startTwoHomes(programs);
    });
    after(() => homes?.close());

    /** Reads as iris's bridge user until so many events were there. */
    const read = async (count: number): Promise<readonly Arrived[]> => {
      const found: Arrived[] = [];
      const signal = AbortSignal.timeout(WAIT_MS);
      while (found.length < count) {
        const answer = await sync(homes.iris.client, since, signal);
        since = answer.position;
        for (const { sender, type, content } of answer.events as readonly Event[])
          found.push({
            origin: parseServerName(sender.slice('@_volly.bridge:'.length)),
            type,
            encoded: content.envelopes.map(written),
          });
      }
      return found;
    };

    carrierContract(
      async (): Promise<CarrierUnderTest> => ({
        own: homes.orchid.server,
        carrier: new ToDeviceCarrier({ client: homes.orchid.client, clock: systemClock }),
        peer: homes.iris.server,
        nowhere: parseServerName('localhost:9'),
        arrived: read,
        finish: (call) => call,
        close: async () => {},
      }),
    );

    it('wakes the path to a server that was away, and what was sent meanwhile arrives', async () => {
      const carrier = new ToDeviceCarrier({ client: homes.orchid.client, clock: systemClock });
      await homes.iris.homeserver.stop();
      await carrier.send(homes.iris.server, 'app.volly.hello', ['{"n":1}']);
      assert.equal(await carrier.wake(homes.iris.server), false);
      await homes.iris.homeserver.start();
      const healed = performance.now();
      while (!(await carrier.wake(homes.iris.server))) await sleep(200);
      const [event] = await read(1);
      assert.deepEqual(event?.encoded, ['{"n":1}']);
      assert.ok(performance.now() - healed < 10_000);
    });
  });
