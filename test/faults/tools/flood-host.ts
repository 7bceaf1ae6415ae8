/**
 * The process of apps that flood: each sends so many envelopes a second, sealed for nobody, and takes no notice of refusals. Started by
 * flood.ts with its options as its one argument; told how many over the IPC channel. Its log is an app's like all others.
 */
import WebSocket from 'ws';
import { VollyClient } from '../../../src/client/client.ts';
import type { ConnectionOptions, GatewayConnection, WebSocketLike } from '../../../src/client/connection-types.ts';
import { MemoryStore } from '../../../src/client/store.ts';
import { systemRandom } from '../../../src/clock.ts';
import { type DeviceAddress, deviceAddress, newEnvelopeId, parseDeviceId, parseMemberId } from '../../../src/ids.ts';
import { LIMITS } from '../../../src/limits.ts';
import { loggedGateway, writerOf } from '../apps/gateway.ts';
import { LogWriter } from '../log.ts';
import type { FloodOptions } from './flood.ts';

const DEVICE = parseDeviceId('PHONE');
const TICK_MS = 50;
/** Past it the app waits, as one that has an end of memory would. */
const IN_FLIGHT = 200;
/** A candidates message has about as many. */
const BYTES = 1_000;

const { server, gatewayUrl, log, members, to } = JSON.parse(process.argv[2] ?? '') as FloodOptions & { readonly log: string };
const writer = await LogWriter.open(log);
let perSecond = 0;

async function flooder(name: string, invite: string, target: DeviceAddress): Promise<void> {
  const address = deviceAddress(parseMemberId(`${name}@${server}`), DEVICE);
  const write = writerOf(writer, address);
  await write({ k: 'run' });
  const logged = loggedGateway(write);
  let connection: GatewayConnection | undefined;
  const gateway = (options: ConnectionOptions): GatewayConnection => {
    connection = logged.open(options);
    return connection;
  };
  const socket = (): WebSocketLike =>
    new WebSocket(`${gatewayUrl}/volly/v1`, {
      maxPayload: LIMITS.frameBytes,
      perMessageDeflate: false,
    }) as unknown as WebSocketLike;
  await VollyClient.connect({ store: new MemoryStore(), socket, gateway, invite, device: DEVICE });
  let [due, inFlight] = [0, 0];
  setInterval(() => {
    for (due += (perSecond * TICK_MS) / 1_000; due >= 1; due--) {
      if (inFlight >= IN_FLIGHT) continue;
      inFlight++;
      const [header, sealed] = [systemRandom(64), systemRandom(BYTES)];
      const expires = Date.now() + LIMITS.messageLifeMs;
      const envelope = {
        id: newEnvelopeId(systemRandom),
        type: 'app.volly.call.candidates',
        from: address,
        to: target,
        expires,
        header,
        sealed,
      } as const;
      connection
        ?.sendEnvelope(envelope)
        .catch(() => {})
        .finally(() => inFlight--);
    }
  }, TICK_MS);
}

const all = Object.entries(members);
await Promise.all(all.map(([name, invite], i) => flooder(name, invite, to[i % to.length] as DeviceAddress)));
process.on('message', (rate: number) => {
  perSecond = rate / all.length;
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
