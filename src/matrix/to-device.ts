/** The default carrier: to-device events from bridge user to bridge user. About 20 ms one way, no room, no history left behind. */
import type { Clock } from '../clock.ts';
import { BRIDGE_DEVICE, bridgeUserOf, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeType } from '../protocol/envelope.ts';
import type { Carrier } from '../routing/ports.ts';
import { pause } from './backoff.ts';
import type { HomeserverClient } from './client.ts';
import { encodeContent } from './codec.ts';
import { HomeserverError } from './failure.ts';

/** Synapse works on a key query up to a minute, and giving up earlier could cancel it before it records the failure. */
const QUERY_MS = 90_000;
/** How long the probe is held back for the key query to fail first, which is the usual order. */
const QUERY_HEAD_START_MS = 2_000;
/** Short, so that probes follow each other: one that hangs in lost packets does not see that the path has healed. */
const PROBE_MS = 4_000;

export interface ToDeviceOptions {
  readonly client: HomeserverClient;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  /** Unique over all users of the application service: Synapse's cache of transaction ids does not tell them apart and loses the second message. */
  readonly transactionId?: () => string;
}

export class ToDeviceCarrier implements Carrier {
  readonly name = 'to_device';
  readonly timeoutMs: number;
  readonly #client: HomeserverClient;
  readonly #clock: Clock;
  readonly #transactionId: () => string;
  /** Peers with a key query under way. */
  readonly #queried = new Set<ServerName>();

  constructor({ client, clock, timeoutMs = LIMITS.carrierMs, transactionId = () => crypto.randomUUID() }: ToDeviceOptions) {
    this.#client = client;
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.#transactionId = transactionId;
  }

  async send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<void> {
    await this.#client.request({
      method: 'PUT',
      step: 'sendToDevice',
      path: `/_matrix/client/v3/sendToDevice/${type}/${this.#transactionId()}`,
      timeoutMs: this.timeoutMs,
      body: `{"messages":{${JSON.stringify(bridgeUserOf(peer))}:{"${BRIDGE_DEVICE}":${encodeContent(encoded)}}}}`,
    });
  }

  /**
   * After a cut the homeserver sleeps inside its own retry, up to 84 s, and nothing wakes it while no back-off is recorded. A key query
   * records it; the profile look-up ignores back-off and, once it succeeds, clears it. Which outage a failure belongs to cannot be told from
   * here, so each time asks: where a back-off is recorded and runs, the homeserver answers by itself and at once.
   */
  async wake(peer: ServerName): Promise<boolean> {
    await this.#query(peer);
    return this.#probe(peer);
  }

  async #query(peer: ServerName): Promise<void> {
    if (this.#queried.has(peer)) return;
    this.#queried.add(peer);
    const settled = new AbortController();
    this.#client
      .request({
        method: 'POST',
        step: 'keys/query',
        path: '/_matrix/client/v3/keys/query',
        body: JSON.stringify({ device_keys: { [bridgeUserOf(peer)]: [] } }),
        timeoutMs: QUERY_MS,
      })
      .catch(() => {}) // to fail is what it is for
      .finally(() => {
        this.#queried.delete(peer);
        settled.abort();
      });
    await pause(this.#clock, QUERY_HEAD_START_MS, settled.signal);
  }

  async #probe(peer: ServerName): Promise<boolean> {
    try {
      await this.#client.request({
        method: 'GET',
        step: 'profile',
        path: `/_matrix/client/v3/profile/${encodeURIComponent(bridgeUserOf(peer))}/displayname`,
        timeoutMs: PROBE_MS,
      });
      return true;
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      // A server that does not know the user, or shows no profiles, has answered all the same.
      if (error.errcode === 'M_NOT_FOUND' || (error.status === 403 && error.errcode === 'M_FORBIDDEN')) return true;
      if (error.code === 'homeserver_unreachable') return false;
      throw error;
    }
  }
}
