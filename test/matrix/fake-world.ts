/** A fake homeserver as a receiver's world. */
import { systemClock } from '../../src/clock.ts';
import { bridgeUserOf, parseServerName, type ServerName } from '../../src/ids.ts';
import { BridgeAccess } from '../../src/matrix/access.ts';
import { HomeserverClient } from '../../src/matrix/client.ts';
import type { Log } from '../../src/routing/ports.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { FactStore } from '../../src/storage/types.ts';
import { AS_TOKEN, FakeHomeserver } from '../support/fake-homeserver.ts';
import { type ReceiverWorld, silent } from './receiver-contract.ts';

export const ORCHID = parseServerName('orchid.example');
export const IRIS = parseServerName('iris.example');

export const clientOf = (home: Pick<FakeHomeserver, 'url' | 'serverName'>, asToken = AS_TOKEN): HomeserverClient =>
  new HomeserverClient({
    url: home.url,
    asToken,
    userId: bridgeUserOf(home.serverName as ServerName),
    deviceId: 'VOLLY',
    clock: systemClock,
  });

export const accessOf = (
  client: HomeserverClient,
  { facts, log = silent }: { facts?: FactStore; log?: Log } = {},
): BridgeAccess => new BridgeAccess({ client, server: ORCHID, facts: facts ?? memoryStores().facts, log });

export async function fakeWorld(): Promise<ReceiverWorld & { home: FakeHomeserver }> {
  const home = await new FakeHomeserver(ORCHID).start();
  const client = clientOf(home);
  return {
    home,
    client,
    server: ORCHID,
    peer: IRIS,
    access: accessOf(client),
    fromPeer: async (type, content) => home.deliver({ sender: bridgeUserOf(IRIS), type, content }),
    fromStranger: async (type, content) => home.deliver({ sender: '@mallory:iris.example', type, content }),
    stopHomeserver: () => home.stop(),
    startHomeserver: async () => void (await home.start()),
    backup: async () => {
      const restore = home.backup();
      return async () => restore();
    },
    close: () => home.stop(),
  };
}
