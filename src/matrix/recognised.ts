/** Whether the homeserver runs with this bridge's registration: it knows the token, and whom it may speak for. */
import { VollyError } from '../errors.ts';
import { bridgeUserOf, type ServerName } from '../ids.ts';
import { registerBridgeUser } from './bridge-user.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, parseObject } from './failure.ts';

const PATH = '/_matrix/client/v3/account/whoami';

/**
 * Makes the bridge user where there is none yet, as a start does. Throws HomeserverError (`wrong_token` until the registration is read), and
 * `bad_config` for a homeserver of another name.
 */
export async function checkRecognised(client: HomeserverClient, server: ServerName): Promise<void> {
  const whoami = async (as: 'service' | 'user'): Promise<string> => {
    const { user_id: user } = parseObject(await client.request({ method: 'GET', step: 'whoami', path: PATH, as }));
    if (typeof user !== 'string') throw new HomeserverError('homeserver_refused', 'whoami names no user');
    return user;
  };
  const service = await whoami('service');
  const name = service.slice(service.indexOf(':') + 1);
  if (name !== server) throw new VollyError('bad_config', `homeserver.server_name is ${server}; the homeserver says ${name}`);
  await registerBridgeUser(client, undefined);
  const user = await whoami('user');
  if (user !== bridgeUserOf(server)) throw new HomeserverError('homeserver_refused', 'whoami names another user');
}
