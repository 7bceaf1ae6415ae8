/** The bridge user `@_volly.bridge` and its device `VOLLY`: fixed by the protocol, sends and receives all envelopes of the community. */
import { BRIDGE_DEVICE, BRIDGE_LOCALPART, bridgeUserOf, type ServerName } from '../ids.ts';
import type { Log } from '../routing/ports.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';

const NAME = 'Volly bridge';

/**
 * Makes user, device and display name, or finds them there: safe to repeat. Without the device, to-device messages vanish with no
 * error; the display name is what other bridges ask for to wake federation after a cut.
 * Throws HomeserverError, and `shutting_down` when `signal` aborts.
 */
export async function ensureBridgeUser(
  client: HomeserverClient,
  server: ServerName,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  await register(client, signal);
  const body = JSON.stringify({ display_name: NAME });
  await client.request({
    method: 'PUT',
    step: 'devices',
    path: `/_matrix/client/v3/devices/${BRIDGE_DEVICE}`,
    body,
    as: 'user',
    signal,
  });
  await setDisplayName(client, bridgeUserOf(server), log, signal);
}

/** `inhibit_login`: a login would make a second device, which nothing reads. */
async function register(client: HomeserverClient, signal: AbortSignal | undefined): Promise<void> {
  const body = JSON.stringify({ type: 'm.login.application_service', username: BRIDGE_LOCALPART, inhibit_login: true });
  try {
    await client.request({
      method: 'POST',
      step: 'register',
      path: '/_matrix/client/v3/register',
      query: { kind: 'user' },
      body,
      as: 'service',
      signal,
    });
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.errcode !== 'M_USER_IN_USE') throw error;
  }
}

async function setDisplayName(client: HomeserverClient, user: string, log: Log, signal: AbortSignal | undefined): Promise<void> {
  const path = `/_matrix/client/v3/profile/${encodeURIComponent(user)}/displayname`;
  try {
    await client.request({
      method: 'PUT',
      step: 'profile',
      path,
      body: JSON.stringify({ displayname: NAME }),
      as: 'user',
      signal,
    });
  } catch (error) {
    // A homeserver may forbid changing names; calls work without one, only healing after a cut is slower.
    if (!(error instanceof HomeserverError) || error.code !== 'homeserver_refused') throw error;
    log.warn('the bridge user has no display name', { reason: error.message });
  }
}
