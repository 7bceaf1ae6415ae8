/** What an opened message of the other side does to a call. PROTOCOL.md section 11; pure as call.ts is. */
import type { CallId, DeviceAddress } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type CallMessage, type CallState, type Effect, type Leg, MAY_RECEIVE, type Step } from './call-state.ts';
import { end, endCall, endLeg, HEARD, liveLeg, stay, toLegs, withLeg } from './call-steps.ts';

const SETTLED: Effect = { kind: 'cancel_timer', timer: 'negotiation' };
const BEAT: readonly Effect[] = [{ kind: 'set_timer', timer: 'heartbeat', ms: LIMITS.heartbeatMs }, ...HEARD];

export function receive(state: CallState, from: DeviceAddress, callId: CallId, message: CallMessage): Step {
  const leg = liveLeg(state, from, callId);
  // After select only the chosen device speaks: what the losers sent meanwhile is as forbidden as any other (R2).
  if (!leg || !MAY_RECEIVE[state.role][state.phase].includes(message.type))
    return stay(state, [{ kind: 'refused', code: 'forbidden_in_state', type: message.type }]);
  switch (message.type) {
    case 'ringing':
      return stay({ ...withLeg(state, { ...leg, state: 'ringing' }), rang: true }, [
        { kind: 'cancel_timer', timer: `stale ${leg.device}` },
        // Once for the call: no device, and no repetition, makes a caller wait without end.
        ...(state.rang ? [] : [{ kind: 'set_timer', timer: 'ring', ms: LIMITS.answerWaitMs } as const]),
        { kind: 'apply', from, message },
      ]);
    case 'answer':
      return select(state, leg, message);
    case 'reject': {
      const ending = { reason: message.reason, by: 'remote' } as const;
      const rest = endLeg(state, leg, ending);
      return message.all && rest.state.phase !== 'ended' ? endRest(rest, ending) : rest;
    }
    case 'hangup': {
      const ending = { reason: message.reason, by: 'remote' } as const;
      return state.phase === 'calling' ? endLeg(state, leg, ending) : end(state, ending);
    }
    case 'select_answer':
      if (!message.macMatches) return endCall(state, { reason: 'open_failed', by: 'itself' }, 'open_failed');
      return {
        state: { ...state, phase: 'active' },
        effects: [{ kind: 'cancel_timer', timer: 'select' }, ...BEAT, { kind: 'changed', phase: 'active' }],
      };
    case 'candidates':
    case 'heartbeat':
      return stay({ ...state, silent: false }, [...HEARD, { kind: 'apply', from, message }]);
    case 'negotiate':
      return negotiate({ ...state, silent: false }, leg, message);
  }
}

/** What waits has verified, so the other side is there; it is not applied before what is missing. */
export function onGap(state: CallState, open: boolean): Step {
  if (state.phase !== 'active' && state.phase !== 'answered') return stay(state);
  if (!open) return stay({ ...state, gap: 'none' }, [{ kind: 'cancel_timer', timer: 'gap' }]);
  const heard = state.phase === 'active' ? HEARD : [];
  if (state.gap !== 'none') return stay({ ...state, silent: false }, heard);
  return stay({ ...state, silent: false, gap: 'open' }, [{ kind: 'set_timer', timer: 'gap', ms: LIMITS.gapMs }, ...heard]);
}

/** The first valid answer wins: the losers hear so under their own epoch 0 and only then lose their keys (section 9.3). */
function select(state: CallState, winner: Leg, message: CallMessage): Step {
  const losers = state.legs.filter((leg) => leg.device !== winner.device && leg.state !== 'ended');
  const legs = state.legs.map((leg): Leg => (leg.device === winner.device ? leg : { ...leg, state: 'ended' }));
  return {
    state: { ...state, phase: 'active', peer: winner.device, legs },
    effects: [
      ...[...state.legs.map((leg) => `stale ${leg.device}` as const), 'ring' as const].map(
        (timer): Effect => ({ kind: 'cancel_timer', timer }),
      ),
      { kind: 'send', device: winner.device, callId: winner.callId, message: { type: 'select_answer' } },
      ...losers.flatMap(({ device, callId }): Effect[] => [
        { kind: 'send', device, callId, message: { type: 'hangup', reason: 'answered_elsewhere' } },
        { kind: 'erase', device, callId },
      ]),
      ...BEAT,
      { kind: 'apply', from: winner.device, message },
      { kind: 'changed', phase: 'active' },
    ],
  };
}

/** One device's person said no for all of them. */
function endRest({ state, effects }: Step, ending: { reason: string; by: 'remote' }): Step {
  const ended = end(state, ending, toLegs(state, { type: 'hangup', reason: 'declined' }));
  return { state: ended.state, effects: [...effects, ...ended.effects] };
}

/**
 * Glare of negotiations (section 10, W3C WebRTC section 10.7): the impolite caller ignores an offer that collides with its own; the polite
 * callee yields, and rolls its own back when it applies the other.
 */
function negotiate(state: CallState, leg: Leg, message: CallMessage & { type: 'negotiate' }): Step {
  const apply: Effect = { kind: 'apply', from: leg.device, message };
  const refused: Effect = { kind: 'refused', code: 'forbidden_in_state', type: 'negotiate' };
  const settled = { ...state, makingOffer: false, unanswered: false };
  if (message.description === 'answer') {
    // A reply to nothing: R2's table cannot tell, since it knows no negotiations.
    if (!state.makingOffer) return stay(state, [...HEARD, refused]);
    return stay(settled, [...HEARD, SETTLED, apply]);
  }
  if (state.answering) return stay(state, [...HEARD, refused]);
  const polite = state.role === 'callee';
  const ignoreOffer = !polite && state.makingOffer;
  if (ignoreOffer) return stay(state, HEARD);
  return stay({ ...settled, answering: true }, [...HEARD, SETTLED, apply]);
}
