/** The end of a member's ghost. Seen on Synapse 1.163.2: the application service may deactivate its users, as often as it likes; nobody gets the name again. */
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';

/**
 * `gone`: deactivated with its profile and memberships, or there was none. `nameless`: the homeserver does not let application services
 * deactivate (Dendrite 0.13.8, Synapse behind an authentication service), so it has no display name any more and stays. Throws
 * HomeserverError, `shutting_down`.
 */
export async function endGhost(client: HomeserverClient, ghost: string): Promise<'gone' | 'nameless'> {
  const profile = `/_matrix/client/v3/profile/${encodeURIComponent(ghost)}`;
  const asGhost = { as: 'service', query: { user_id: ghost } } as const;
  const body = JSON.stringify({ erase: true, auth: { type: 'm.login.application_service' } });
  try {
    await client.request({ ...asGhost, method: 'POST', step: 'deactivate', path: '/_matrix/client/v3/account/deactivate', body });
    return 'gone';
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  try {
    await client.request({ method: 'GET', step: 'profile', path: profile, as: 'service' });
    await client.request({
      ...asGhost,
      method: 'PUT',
      step: 'profile',
      path: `${profile}/displayname`,
      body: JSON.stringify({ displayname: '' }),
    });
    return 'nameless';
  } catch (error) {
    if (isRefused(error) && error.status === 404) return 'gone';
    throw error;
  }
}

const isRefused = (error: unknown): error is HomeserverError =>
  error instanceof HomeserverError && error.code === 'homeserver_refused';
