/** What a legacy app says in a call. PROTOCOL.md sections 11 and 16. Inside the line's queue; throws what is to be counted. */
import { codeOf, VollyError } from '../../errors.ts';
import type { App } from './app.ts';
import type { LegacyCall } from './call.ts';
import type { Context } from './context.ts';
import type { AppFrame } from './frames.ts';
import { splitSdp } from './sdp.ts';

export async function onCallFrame(context: Context, call: LegacyCall, app: App, frame: AppFrame): Promise<void> {
  switch (frame.type) {
    case 'offer':
      return negotiate(call, 'offer', frame.sdp);
    case 'answer':
      return call.rings ? accept(context, call, app, frame.sdp) : negotiate(call, 'answer', frame.sdp);
    case 'candidate':
      return call.candidate(frame.candidate);
    case 'hangup':
      call.apps.delete(app);
      if (!call.rings) return call.hangUp(frame.reason ?? 'hangup');
      // One person's no is for all of the member's apps.
      return call.runner?.dispatch({ kind: 'reject', reason: frame.reason ?? 'declined', all: true });
  }
}

/** This app has the call now, and the others stop ringing. The user's answer pins the caller (section 5.4). */
async function accept({ peers }: Context, call: LegacyCall, app: App, full: string): Promise<void> {
  const { peer, offer } = call;
  if (!offer) throw new VollyError('forbidden_in_state', 'answer');
  call.apps.delete(app);
  call.tell({ type: 'hangup', peer, reason: 'answered_elsewhere' });
  call.apps.clear();
  call.apps.add(app);
  const { sdp, candidates } = splitSdp(full);
  for (const candidate of candidates) call.candidate(candidate);
  await orEnd(call, async () => {
    await peers.pin(peer, offer.identity);
    await peers.learn(peer, offer.identity, { beside: true });
    await call.runner?.dispatch({ kind: 'accept' }, { sdp });
  });
}

/** The app describes anew. Glare is the state machine's to settle: what it does not allow now is dropped, candidates and all. */
async function negotiate(call: LegacyCall, description: 'offer' | 'answer', full: string): Promise<void> {
  const { sdp, candidates } = splitSdp(full);
  // Whether a new offer restarts ICE, which must re-key, need not be told from its SDP where every one does.
  const content = description === 'offer' ? { sdp, rekey: true } : { sdp, request: call.request };
  await orEnd(call, () => call.runner?.dispatch({ kind: 'negotiate', description }, content));
  if (description === 'answer') call.request = undefined;
  for (const candidate of candidates) call.candidate(candidate);
}

/** A description that cannot be sealed ends the call: the two sides would go on with different ones. */
async function orEnd(call: LegacyCall, work: () => Promise<void> | undefined): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = codeOf(error) ?? 'bad_sdp';
    if (reason !== 'forbidden_in_state') await call.runner?.dispatch({ kind: 'fail', reason });
    throw error;
  }
}
