/**
 * What bridges and homeservers say to each other, read out of what the taps kept: every to-device event of a request to send one, of a
 * transaction between homeservers, and of an answer to /sync; and every room event between homeservers, of which there should be none.
 */
import type { Exchange } from '../support/tap.ts';

/** An envelope as it travels, unchecked: bytes are base64url. */
export type WireEnvelope = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly from: string;
  readonly to: string;
};

export interface WireEvent {
  readonly at: 'handed over' | 'federation' | 'fetched';
  readonly type: string;
  readonly content: unknown;
  readonly envelopes: readonly WireEnvelope[];
}

// biome-ignore lint/suspicious/noExplicitAny: what is read is another program's JSON, and a wrong guess fails the test
type Json = any;

function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString());
  } catch {
    return {}; // not JSON: an error page, or nothing
  }
}

export const envelopesOf = (content: Json): readonly WireEnvelope[] =>
  Array.isArray(content?.envelopes) ? content.envelopes : [];

const contents = (messages: Json): Json[] => Object.values(messages ?? {}).flatMap((devices) => Object.values(devices as Json));

export function eventsOn({ path, request, response }: Exchange): WireEvent[] {
  const made = (at: WireEvent['at'], type: string, content: Json) => ({ at, type, content, envelopes: envelopesOf(content) });
  const [, sent] = /\/sendToDevice\/([^/]+)\//.exec(path) ?? [];
  if (sent !== undefined)
    return contents(parsed(request).messages).map((content) => made('handed over', decodeURIComponent(sent), content));
  if (path.includes('/federation/v1/send/')) {
    const direct = (parsed(request).edus ?? []).filter(({ edu_type }: Json) => edu_type === 'm.direct_to_device');
    return direct.flatMap(({ content: { type, messages } }: Json) =>
      contents(messages).map((content) => made('federation', type, content)),
    );
  }
  if (!path.includes('/client/v3/sync')) return [];
  return (parsed(response).to_device?.events ?? []).map(({ type, content }: Json) => made('fetched', type, content));
}

/** PDUs between homeservers. */
export const roomEventsOn = ({ path, request }: Exchange): readonly unknown[] =>
  path.includes('/federation/v1/send/') ? (parsed(request).pdus ?? []) : [];
