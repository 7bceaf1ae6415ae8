/**
 * The bridge user `@_volly.bridge` and its device `VOLLY`: fixed by the protocol, sends and receives all envelopes of the community. Each
 * function throws HomeserverError, and `shutting_down` when `signal` aborts.
 */
import { BRIDGE_DEVICE, BRIDGE_LOCALPART } from '../ids.ts';
import type { Log } from '../routing/ports.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, parseObject } from './failure.ts';

const NAME = 'Volly bridge';
const LOGIN = 'm.login.application_service';

/** `inhibit_login`: a login would make a second device, which nothing reads. */
export async function registerBridgeUser(client: HomeserverClient, signal: AbortSignal | undefined): Promise<void> {
  const body = JSON.stringify({ type: LOGIN, username: BRIDGE_LOCALPART, inhibit_login: true });
  const path = '/_matrix/client/v3/register';
  try {
    await client.request({ method: 'POST', step: 'register', path, query: { kind: 'user' }, body, as: 'service', signal });
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.errcode !== 'M_USER_IN_USE') throw error;
  }
}

/** Without a device, to-device messages vanish with no error. */
export async function makeDevice(client: HomeserverClient, signal: AbortSignal | undefined): Promise<void> {
  const path = `/_matrix/client/v3/devices/${BRIDGE_DEVICE}`;
  await client.request({ method: 'PUT', step: 'devices', path, body: JSON.stringify({ display_name: NAME }), signal });
}

/** Makes the device too. Returns its token; the one of an earlier login of the device may end with it. */
export async function loginDevice(client: HomeserverClient, signal: AbortSignal | undefined): Promise<string> {
  const body = JSON.stringify({
    type: LOGIN,
    identifier: { type: 'm.id.user', user: BRIDGE_LOCALPART },
    device_id: BRIDGE_DEVICE,
    initial_device_display_name: NAME,
  });
  const path = '/_matrix/client/v3/login';
  const answer = parseObject(await client.request({ method: 'POST', step: 'login', path, body, as: 'service', signal }));
  const { access_token: token, device_id: device } = answer;
  if (typeof token !== 'string' || token === '' || device !== BRIDGE_DEVICE)
    throw new HomeserverError('homeserver_refused', `login gave no token for ${BRIDGE_DEVICE}`);
  return token;
}

/** What other bridges ask for to wake federation after a cut. A homeserver may forbid changing names; calls work without one: then false. */
export async function setDisplayName(
  client: HomeserverClient,
  user: string,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const path = `/_matrix/client/v3/profile/${encodeURIComponent(user)}/displayname`;
  try {
    await client.request({ method: 'PUT', step: 'profile', path, body: JSON.stringify({ displayname: NAME }), signal });
    return true;
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.code !== 'homeserver_refused') throw error;
    log.warn('the bridge user has no display name', { reason: error.message });
    return false;
  }
}
