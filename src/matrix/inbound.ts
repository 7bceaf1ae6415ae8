/** From the events of a /sync answer to envelopes with their origin. Pure; nothing here throws, whatever the content. */
import { bridgeUserOf, isServerName, type ServerName } from '../ids.ts';
import { type Envelope, isEnvelopeType } from '../protocol/envelope.ts';
import { decodeContent, type Refusal, refusalOf } from './codec.ts';
import { ECHO_TYPE } from './echo.ts';

export interface Arrival {
  readonly server: ServerName;
  readonly envelope: Envelope;
}

export interface Inbound {
  /** In the order of the answer. */
  readonly arrivals: readonly Arrival[];
  /** Worth a look by the operator. `source` is the server that sent it. */
  readonly refused: readonly (Refusal & { readonly source: string })[];
  /** Events that were not from a bridge user (R10), or none of ours: counted, not kept, since any Matrix user can send them. */
  readonly strangers: number;
  /** What this bridge sent to itself: nonces (PROTOCOL.md section 15). */
  readonly echoes: readonly string[];
}

export function readEvents(events: readonly unknown[], own: ServerName): Inbound {
  const arrivals: Arrival[] = [];
  const refused: (Refusal & { source: string })[] = [];
  const echoes: string[] = [];
  let strangers = 0;
  for (const event of events) {
    const { sender, type, content } = fieldsOf(event);
    const server = bridgeServerOf(sender);
    const nonce = type === ECHO_TYPE && server === own ? fieldsOf(content)['nonce'] : undefined;
    // What members of one community say to each other never leaves the bridge, so our own name here is a forgery.
    if (typeof nonce === 'string') {
      echoes.push(nonce);
    } else if (server === undefined || server === own || type === ECHO_TYPE) {
      strangers++;
    } else if (!isEnvelopeType(type)) {
      if (typeof type === 'string' && type.startsWith('app.volly.')) refused.push({ ...unknownType(event), source: server });
      else strangers++;
    } else {
      const decoded = decodeContent(type, content);
      for (const envelope of decoded.envelopes) arrivals.push({ server, envelope });
      for (const refusal of decoded.refused) refused.push({ ...refusal, source: server });
    }
  }
  return { arrivals, refused, strangers, echoes };
}

const PREFIX = bridgeUserOf('' as ServerName);

/** The server whose bridge user this is. The homeserver vouches for the server; that it is the bridge user is one comparison (R10). */
function bridgeServerOf(sender: unknown): ServerName | undefined {
  if (typeof sender !== 'string' || !sender.startsWith(PREFIX)) return undefined;
  const server = sender.slice(PREFIX.length);
  return isServerName(server) ? server : undefined;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const unknownType = (event: unknown): Refusal => ({
  ...refusalOf(undefined, event),
  code: 'wrong_type',
  reason: 'unknown event type',
});
