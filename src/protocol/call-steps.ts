/** The few moves that both roles' transitions are made of. */
import { VollyError } from '../errors.ts';
import type { CallId, DeviceAddress } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { CallState, Effect, End, Leg, Outgoing, Step } from './call-state.ts';

export const stay = (state: CallState, effects: readonly Effect[] = []): Step => ({ state, effects });

/** The other side is there. */
export const HEARD: readonly Effect[] = [{ kind: 'set_timer', timer: 'silence', ms: LIMITS.heartbeatLostMs }];

/** Throws `signalling_lost` where no answer to an offer of this side could be applied any more (section 10). */
export function requireNegotiable(state: CallState): void {
  if (!isNegotiable(state)) throw new VollyError('signalling_lost', 'no description can be agreed on any more');
}

const isNegotiable = ({ phase, gap, unanswered }: CallState): boolean => phase !== 'active' || (gap !== 'stays' && !unanswered);

/** Nothing can be agreed on any more: said once, where an offer of ours is out. Else the call goes on. */
export const goOn = (before: CallState, next: CallState): Step =>
  stay(next, next.makingOffer && isNegotiable(before) ? [{ kind: 'refused', code: 'signalling_lost', type: 'negotiate' }] : []);

export const liveLeg = (state: CallState, device: DeviceAddress, callId: CallId): Leg | undefined =>
  state.legs.find((leg) => leg.device === device && leg.callId === callId && leg.state !== 'ended');

export const withLeg = (state: CallState, leg: Leg): CallState => ({
  ...state,
  legs: state.legs.map((one) => (one.device === leg.device ? leg : one)),
});

/** The same message to every leg that has not ended. */
export const toLegs = (state: CallState, message: Outgoing): Effect[] =>
  state.legs.filter((leg) => leg.state !== 'ended').map(({ device, callId }) => ({ kind: 'send', device, callId, message }));

/** Every leg's keys go, whatever state it is in: erasing twice is nothing. */
export function end(state: CallState, ending: End, farewell: readonly Effect[] = []): Step {
  return {
    state: {
      ...state,
      phase: 'ended',
      legs: state.legs.map((leg) => ({ ...leg, state: 'ended' })),
      makingOffer: false,
      answering: false,
      end: ending,
    },
    effects: [
      ...farewell,
      { kind: 'cancel_timers' },
      ...state.legs.map(({ device, callId }): Effect => ({ kind: 'erase', device, callId })),
      { kind: 'changed', phase: 'ended' },
    ],
  };
}

/** Ends the call and tells the other side why. */
export const endCall = (state: CallState, ending: End, farewell: string): Step =>
  end(state, ending, toLegs(state, { type: 'hangup', reason: farewell }));

/** A leg ends without a word to it; with the last one the call ends, for that leg's reason (section 11). */
export function endLeg(state: CallState, leg: Leg, ending: End): Step {
  const next = withLeg(state, { ...leg, state: 'ended' });
  if (next.legs.every((one) => one.state === 'ended')) return end(next, ending);
  return stay(next, [
    { kind: 'cancel_timer', timer: `stale ${leg.device}` },
    { kind: 'erase', device: leg.device, callId: leg.callId },
  ]);
}
