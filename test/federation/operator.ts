/**
 * The operator of a community gone bad: has the registration's token, and with it everything that the homeserver lets a bridge do. What
 * such a one sends goes through the real homeservers like the real bridge's own.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { systemRandom } from '../../src/clock.ts';
import { BRIDGE_DEVICE, bridgeUserOf, newEnvelopeId, parseServerName } from '../../src/ids.ts';
import type { Community } from '../support/community.ts';
import { MatrixClient } from '../support/homeserver/client.ts';
import { envelopesOf, type WireEnvelope } from './wire.ts';

export const bridgeUserOfCommunity = ({ serverName }: Community): string => bridgeUserOf(parseServerName(serverName));
export const freshId = (): string => newEnvelopeId(systemRandom);

/** The body of a request that sends one event to a community's bridge. */
export const toBridge = (to: Community, content: unknown): unknown => ({
  messages: { [bridgeUserOfCommunity(to)]: { [BRIDGE_DEVICE]: content } },
});

/** The path of that request. */
export const sendPath = (type: string): string => `/_matrix/client/v3/sendToDevice/${encodeURIComponent(type)}/${randomUUID()}`;

export class Operator {
  readonly #client: MatrixClient;
  readonly #as: URLSearchParams;

  private constructor(client: MatrixClient, as: URLSearchParams) {
    this.#client = client;
    this.#as = as;
  }

  static async of(community: Community): Promise<Operator> {
    const { as_token } = parse(await readFile(community.registrationPath, 'utf8'));
    const as = new URLSearchParams({ user_id: bridgeUserOfCommunity(community), device_id: BRIDGE_DEVICE });
    return new Operator(new MatrixClient(community.synapse.clientUrl, as_token), as);
  }

  /** An event of any type with any content, as the bridge user. */
  async send(to: Community, type: string, content: unknown): Promise<void> {
    await this.#client.request('PUT', `${sendPath(type)}?${this.#as}`, toBridge(to, content));
  }

  /** Reads as the bridge would, which must be away. Resolves with the first envelope that is looked for. */
  async receive(wanted: (envelope: WireEnvelope) => boolean): Promise<WireEnvelope> {
    let since = '';
    for (;;) {
      const path = `/_matrix/client/v3/sync?${this.#as}&set_presence=offline&timeout=10000${since}`;
      const answer = await this.#client.request('GET', path, undefined, undefined, AbortSignal.timeout(15_000));
      const events: readonly { content: unknown }[] = answer['to_device']?.events ?? [];
      const envelope = events.flatMap(({ content }) => envelopesOf(content)).find(wanted);
      if (envelope) return envelope;
      since = `&since=${answer['next_batch']}`;
    }
  }
}
