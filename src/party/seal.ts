/** What the state machine wants sent, sealed. */
import type { Outgoing } from '../protocol/call-state.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { RekeyRequest } from '../protocol/session-messages.ts';
import type { Link } from './link.ts';

/** The SDP that an `accept` or `negotiate` event is about; the state machine does not look at it. */
export interface Content {
  readonly sdp: string;
  /** Ours: an ICE restart asks for new keys. */
  readonly rekey?: boolean;
  /** Theirs: the reply brings them. */
  readonly request?: RekeyRequest | undefined;
}

/** Throws what sealing throws. */
export function seal(
  link: Link,
  message: Exclude<Outgoing, { type: 'offer' }>,
  content: Content | undefined,
): Envelope | Promise<Envelope> {
  switch (message.type) {
    case 'answer':
      return link.sealAnswer(sdpOf(content));
    case 'negotiate': {
      const sdp = sdpOf(content);
      if (message.description === 'offer')
        return link.seal({ type: 'negotiate', description: 'offer', sdp, rekey: content?.rekey === true });
      if (content?.request) return link.sealRekey(sdp, content.request);
      return link.seal({ type: 'negotiate', description: 'answer', sdp });
    }
    case 'reject':
    case 'hangup':
      return link.seal(message);
    default:
      return link.seal(message as { type: 'ringing' | 'heartbeat' | 'select_answer' });
  }
}

function sdpOf(content: Content | undefined): string {
  if (!content) throw new TypeError('a description without its SDP');
  return content.sdp;
}
