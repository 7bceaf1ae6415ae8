/** A carrier that sees to it that what a bridge sends is as PROTOCOL.md section 15 says, and not more at once than limits.ts allows. */
import type { ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeEnvelope, type Envelope, isAcked } from '../../src/protocol/envelope.ts';
import type { Carrier } from '../../src/routing/ports.ts';

export interface Watch {
  /** Id → bytes, for the life of the community: a bridge that was started again repeats too. */
  readonly sentBefore: Map<string, string>;
  readonly violated: (what: string) => void;
  /** Every envelope as it leaves. */
  readonly leaving: (peer: ServerName, envelope: Envelope) => void;
}

export function watched(carrier: Carrier, { sentBefore, violated, leaving }: Watch): Carrier {
  const underWay = new Map<ServerName, number>();
  return {
    name: carrier.name,
    timeoutMs: carrier.timeoutMs,
    async send(peer, type, encoded) {
      if (encoded.length > LIMITS.envelopesPerEvent) violated(`an event of ${encoded.length} envelopes`);
      if (encoded.join('').length > LIMITS.eventBytes) violated(`an event of ${encoded.join('').length} bytes`);
      for (const text of encoded) {
        const envelope = decodeEnvelope(text);
        if (envelope.type !== type) violated(`a ${envelope.type} in an event of ${type}`);
        // "kept and sent again, the same bytes"
        if (isAcked(type) && (sentBefore.get(envelope.id) ?? text) !== text) violated(`other bytes of ${envelope.id}`);
        sentBefore.set(envelope.id, text);
        leaving(peer, envelope);
      }
      const atOnce = (underWay.get(peer) ?? 0) + 1;
      underWay.set(peer, atOnce);
      // One beside them for what is urgent.
      if (atOnce > LIMITS.requestsPerPeer + 1) violated(`${atOnce} requests to ${peer} at once`);
      try {
        await carrier.send(peer, type, encoded);
      } finally {
        underWay.set(peer, underWay.get(peer)! - 1);
      }
    },
    wake: (peer) => carrier.wake(peer),
  };
}
