/** Brings an envelope into the call it belongs to. Inside the queue. PROTOCOL.md sections 9 to 11. */
import { VollyError } from '../errors.ts';
import type { CallId } from '../ids.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import type { MessageEnvelope } from '../protocol/session-messages.ts';
import type { Link } from './link.ts';
import type { Runner } from './runner.ts';

type AnswerEnvelope = EnvelopeOf<'app.volly.call.answer'>;

/** What belongs to a call that an offer began. */
export type CallEnvelope = MessageEnvelope | AnswerEnvelope;

export interface Opening {
  readonly runner: Runner;
  readonly callId: CallId;
  /** An answer was opened, and its effects are still to come. */
  readonly onAnswer?: (link: Link) => Promise<void>;
}

/** False where it comes too early. Throws for what is refused. */
export async function openInto(opening: Opening, envelope: CallEnvelope): Promise<boolean> {
  const { runner, callId } = opening;
  const { from } = envelope;
  const link = runner.link(from, callId);
  if (!link) throw new VollyError('unknown_call', 'no leg to this device');
  if (envelope.type === 'app.volly.call.answer') {
    await openAnswer(opening, envelope, link);
    return true;
  }
  const gap = link.hasGap;
  const received = await link.open(envelope);
  if (received.kind === 'early') return false;
  for (const message of received.messages) await runner.dispatch({ kind: 'received', from, callId, message });
  // What was missing has come. What still is, is another gap, with a time of its own.
  if (gap && received.messages.length > 0) await runner.dispatch({ kind: 'gap', open: false });
  if (link.hasGap) await runner.dispatch({ kind: 'gap', open: true });
  return true;
}

/** R2 is asked before opening, which would erase what a later answer needs. */
async function openAnswer({ runner, callId, onAnswer }: Opening, envelope: AnswerEnvelope, link: Link): Promise<void> {
  const { from } = envelope;
  const leg = runner.state.legs.find((one) => one.device === from && one.callId === callId);
  if (runner.state.phase !== 'calling' || leg?.state === 'ended') throw new VollyError('forbidden_in_state', 'answer');
  const message = { type: 'answer', sdp: await link.openAnswer(envelope) } as const;
  await onAnswer?.(link);
  await runner.dispatch({ kind: 'received', from, callId, message });
}
