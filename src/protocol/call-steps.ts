/** The few moves that both roles' transitions are made of. */
import type { CallId, DeviceAddress } from '../ids.ts';
import type { CallState, Effect, End, Leg, Outgoing, Step } from './call-state.ts';

export const stay = (state: CallState, effects: readonly Effect[] = []): Step => ({ state, effects });

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
