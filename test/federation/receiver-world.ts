/** A receiver's world of two real homeservers: orchid's receiver is looked at, and messages come from iris by federation. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { bridgeUserOf } from '../../src/ids.ts';
import type { ReceiverWorld } from '../matrix/receiver-contract.ts';
import { registerUser } from '../support/homeserver/client.ts';
import { type Programs, startTwoHomes } from './matrix-world.ts';

export async function receiverWorld(programs: Programs = {}): Promise<ReceiverWorld> {
  const homes = await startTwoHomes(programs);
  const { orchid, iris } = homes;
  const mallory = await registerUser(iris.homeserver, 'mallory');
  const target = bridgeUserOf(orchid.server);
  const path = (type: string): string => `/_matrix/client/v3/sendToDevice/${type}/${randomUUID()}`;
  const body = (content: unknown): string => JSON.stringify({ messages: { [target]: { VOLLY: content } } });
  return {
    server: orchid.server,
    peer: iris.server,
    client: orchid.client,
    access: orchid.access,
    fromPeer: async (type, content) => {
      // Synapse takes no content that is not an object at all; what stands inside is not looked at.
      await iris.client.request({ method: 'PUT', step: 'send', path: path(type), body: body(content) });
    },
    fromStranger: async (type, content) => void (await mallory.client.request('PUT', path(type), JSON.parse(body(content)))),
    stopHomeserver: async () => {
      // What iris has taken is on its way: one that is cut off in the middle is repeated by Synapse only after up to 84 s.
      await sleep(300);
      await orchid.homeserver.stop();
    },
    startHomeserver: async () => {
      await orchid.homeserver.start();
      // What waits for a server that was away is sent when it is heard of again, as the carrier's wake does it.
      await iris.client.request({
        method: 'POST',
        step: 'keys',
        path: '/_matrix/client/v3/keys/query',
        body: JSON.stringify({ device_keys: { [target]: [] } }),
      });
      await iris.client.request({
        method: 'GET',
        step: 'profile',
        path: `/_matrix/client/v3/profile/${encodeURIComponent(target)}/displayname`,
      });
    },
    backup: () => orchid.backup(),
    close: () => homes.close(),
  };
}
