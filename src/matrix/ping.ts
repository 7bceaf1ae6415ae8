/** MSC2659: asks the homeserver to call us back, which shows a wrong `appservice.url` or hs_token and ends the homeserver's own back-off. */
import type { HomeserverClient } from './client.ts';
import { HomeserverError } from './failure.ts';

/** Whether the homeserver reaches this bridge. `unknown`: it was not asked yet, is away, or has no such request. */
export type CallsBack = 'yes' | 'no' | 'unknown';

/** `callsBack` is undefined where the homeserver gave no word on it; `reason` is for the operator, where the word is `no`. */
export interface PingAnswer {
  readonly callsBack: CallsBack | undefined;
  readonly reason?: string;
}

const AWAY = 'the homeserver cannot reach this bridge at appservice.url';
const REFUSED =
  'the homeserver is refused at appservice.url: its registration has another hs_token, or the address is not this bridge’s';

/** Undefined: no answer of a homeserver came, because it is away or because it waits longer than `timeoutMs` for ours. Never throws. */
export async function ping(
  client: Pick<HomeserverClient, 'request'>,
  id: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<PingAnswer | undefined> {
  const path = `/_matrix/client/v1/appservice/${encodeURIComponent(id)}/ping`;
  const body = JSON.stringify({ transaction_id: crypto.randomUUID() });
  try {
    await client.request({ method: 'POST', step: 'ping', path, body, timeoutMs, as: 'service', ...(signal ? { signal } : {}) });
    return { callsBack: 'yes' };
  } catch (error) {
    if (!(error instanceof HomeserverError)) return undefined;
    if (error.code === 'rate_limited') return { callsBack: undefined };
    if (error.status === 404) return { callsBack: 'unknown' }; // Dendrite 0.13 has no ping
    // A proxy says 502 of a homeserver that is away, and has no errcode.
    if (error.errcode === undefined) return undefined;
    return { callsBack: 'no', reason: `${error.errcode === 'M_BAD_STATUS' ? REFUSED : AWAY} (${error.message})` };
  }
}
