/** MSC2659: asks the homeserver to call us back, which shows a wrong `appservice.url` or hs_token at start and ends its own back-off. */
import type { Log } from '../routing/ports.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';

/** Synapse itself waits up to a minute for a black hole; a start does not. */
const PING_MS = 10_000;

const AWAY = 'the homeserver cannot reach this bridge at appservice.url; calls work, the admin room does not';
const REFUSED =
  'the homeserver is refused at appservice.url: its registration has another hs_token, or the address is not this bridge’s; calls work, the admin room does not';

/** `unknown`: the homeserver has no such request. */
export type CallsBack = 'yes' | 'no' | 'unknown';

/** Never throws: envelopes come by /sync, so the bridge works without pushes; room events (the admin room) do not. */
export async function ping(client: HomeserverClient, id: string, log: Log): Promise<CallsBack> {
  const path = `/_matrix/client/v1/appservice/${encodeURIComponent(id)}/ping`;
  const body = JSON.stringify({ transaction_id: crypto.randomUUID() });
  try {
    await client.request({ method: 'POST', step: 'ping', path, body, timeoutMs: PING_MS, as: 'service' });
    return 'yes';
  } catch (error) {
    const known = error instanceof HomeserverError ? error : undefined;
    if (known?.status === 404) return 'unknown'; // Dendrite 0.13 has no ping
    log.warn(known?.errcode === 'M_BAD_STATUS' ? REFUSED : AWAY, { reason: known?.message ?? 'unexpected error' });
    return 'no';
  }
}
