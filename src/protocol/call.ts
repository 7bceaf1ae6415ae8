/**
 * The state machine of one call, PROTOCOL.md section 11: `reduce(state, event)` gives the next state and what is to be done. It is
 * synchronous and pure: no clock, no keys, no bytes. Messages come in opened and verified, and for epochs ≥ 1 in order; effects say
 * what to seal and send, which timers to set, which keys to erase, what the app must know. Whoever drives it (party/) performs the
 * effects in order before it reduces the next event.
 */
import { ERRORS, isErrorCode, VollyError } from '../errors.ts';
import { type CallId, callIdBytes, type DeviceAddress } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { onGap, receive } from './call-receive.ts';
import type { CallEvent, CallState, Effect, Leg, Phase, Step, Timer } from './call-state.ts';
import { end, endCall, endLeg, goOn, liveLeg, requireNegotiable, stay, toLegs, withLeg } from './call-steps.ts';

const BASE = {
  makingOffer: false,
  answering: false,
  unanswered: false,
  rang: false,
  iceConnected: false,
  silent: false,
  gap: 'none',
} as const;

/** A new call of ours to all devices of a member. Offers go out by its effects. */
export function startCall(callId: CallId, devices: readonly DeviceAddress[]): Step {
  const legs = devices.map((device): Leg => ({ device, callId, state: 'offered', refetched: false }));
  return {
    state: { ...BASE, role: 'caller', phase: 'calling', callId, legs },
    effects: [{ kind: 'set_timer', timer: 'ring', ms: LIMITS.offerWaitMs }, ...legs.flatMap(offerEffects)],
  };
}

/** An offer to us that opened. Its effects are for the moment in which it begins to ring; past the offer's life there is none. */
export function receiveCall(callId: CallId, from: DeviceAddress): Step {
  const leg: Leg = { device: from, callId, state: 'ringing', refetched: false };
  return {
    state: { ...BASE, role: 'callee', phase: 'ringing', callId, legs: [leg], peer: from },
    effects: [
      { kind: 'set_timer', timer: 'ring', ms: LIMITS.ringMs },
      { kind: 'send', device: from, callId, message: { type: 'ringing' } },
      { kind: 'changed', phase: 'ringing' },
    ],
  };
}

/** Throws `forbidden_in_state` where this device's own user or driver asks for what the phase does not allow; a peer cannot cause it. */
export function reduce(state: CallState, event: CallEvent): Step {
  switch (event.kind) {
    case 'received':
      return receive(state, event.from, event.callId, event.message);
    case 'leg_failed': {
      const leg = liveLeg(state, event.device, event.callId);
      // What rings has its offer, whatever a bridge knows of it.
      return state.phase === 'calling' && leg?.state === 'offered' ? failLeg(state, leg, event.reason) : stay(state);
    }
    case 'refetched':
      return offerAnew(state, event.device, event.callId);
    case 'timer':
      return onTimer(state, event.timer);
    case 'gap':
      return onGap(state, event.open);
    case 'ice': {
      const next = { ...state, iceConnected: event.connected };
      const lost = state.phase === 'active' && (state.silent || state.gap === 'stays') && !event.connected;
      return lost ? endCall(next, { reason: 'signalling_lost', by: 'itself' }, 'signalling_lost') : stay(next);
    }
    case 'accept':
      requirePhase(state, 'ringing');
      return {
        state: { ...state, phase: 'answered' },
        effects: [
          { kind: 'cancel_timer', timer: 'ring' },
          ...toLegs(state, { type: 'answer' }),
          { kind: 'set_timer', timer: 'select', ms: LIMITS.selectWaitMs },
          { kind: 'changed', phase: 'answered' },
        ],
      };
    case 'reject': {
      requirePhase(state, 'ringing');
      const farewell = toLegs(state, { type: 'reject', reason: event.reason, all: event.all });
      return end(state, { reason: event.reason, by: 'local' }, farewell);
    }
    case 'hangup':
      // Hanging up what has ended is no mistake of anyone: the two sides may do it at once.
      return state.phase === 'ended' ? stay(state) : endCall(state, { reason: event.reason, by: 'local' }, event.reason);
    case 'negotiate': {
      requirePhase(state, 'active');
      const offers = event.description === 'offer';
      if (offers) requireNegotiable(state);
      // An offer while theirs waits for our reply would only be ignored or rolled back; a reply to nothing would fork the epochs.
      if (offers ? state.answering || state.makingOffer : !state.answering)
        throw new VollyError('forbidden_in_state', 'negotiation');
      return {
        state: { ...state, makingOffer: offers, answering: false },
        effects: [
          ...toLegs(state, { type: 'negotiate', description: event.description }),
          ...(offers ? [{ kind: 'set_timer', timer: 'negotiation', ms: LIMITS.negotiateWaitMs } as const] : []),
        ],
      };
    }
    case 'fail':
      return state.phase === 'ended' ? stay(state) : endCall(state, { reason: event.reason, by: 'itself' }, event.reason);
    case 'replaced':
      requirePhase(state, 'calling');
      return endCall(state, { reason: 'replaced', by: 'itself' }, 'replaced');
  }
}

/**
 * Glare (section 11): whether our call in progress or the incoming one goes on, when both are between the same two pinned identities.
 * A device we have no live leg to cannot answer ours, so then theirs goes on. Undefined where ours is not calling: no glare.
 */
export function glare(ours: CallState, from: DeviceAddress, theirs: CallId): 'ours' | 'theirs' | undefined {
  if (ours.role !== 'caller' || ours.phase !== 'calling') return undefined;
  const leg = ours.legs.find((one) => one.device === from && one.state !== 'ended');
  return leg && isLesser(leg.callId, theirs) ? 'ours' : 'theirs';
}

/** Where the offer may have arrived, the phone must not ring on for a caller who has gone. */
function failLeg(state: CallState, leg: Leg, reason: string): Step {
  const { device, callId } = leg;
  const farewell: Effect = { kind: 'send', device, callId, message: { type: 'hangup', reason } };
  const failed = endLeg(state, leg, { reason, by: 'itself' });
  const certain = !isErrorCode(reason) || ERRORS[reason].certain !== false;
  return certain ? failed : { state: failed.state, effects: [farewell, ...failed.effects] };
}

function onTimer(state: CallState, timer: Timer): Step {
  const itself = (reason: string) => endCall(state, { reason, by: 'itself' }, reason);
  switch (timer) {
    case 'ring':
      if (state.phase === 'calling') return itself('no_answer');
      // The caller's own clock ends its side: no farewell from a phone that nobody touched.
      return state.phase === 'ringing' ? end(state, { reason: 'expired', by: 'itself' }) : stay(state);
    case 'select':
      return state.phase === 'answered' ? itself('signalling_lost') : stay(state);
    case 'gap':
      if (state.gap === 'none' || (state.phase !== 'answered' && state.phase !== 'active')) return stay(state);
      if (state.phase === 'answered' || !state.iceConnected) return itself('signalling_lost');
      return goOn(state, { ...state, gap: 'stays' });
    case 'negotiation':
      return state.phase === 'active' && state.makingOffer ? goOn(state, { ...state, unanswered: true }) : stay(state);
    case 'heartbeat':
      if (state.phase !== 'active') return stay(state);
      return stay(state, [
        ...toLegs(state, { type: 'heartbeat' }),
        { kind: 'set_timer', timer: 'heartbeat', ms: LIMITS.heartbeatMs },
      ]);
    case 'silence':
      return state.phase === 'active' ? onSilence(state) : stay(state);
    default: {
      const leg = state.legs.find((one) => timer === `stale ${one.device}`);
      if (state.phase !== 'calling' || leg?.state !== 'offered' || leg.refetched) return stay(state);
      return stay(withLeg(state, { ...leg, refetched: true }), [{ kind: 'refetch', device: leg.device }]);
    }
  }
}

/** Media that flow need no signalling. Where nobody here sees them, silence says in the end that the peer is gone. */
function onSilence(state: CallState): Step {
  const unseen = state.iceConnected === 'unseen';
  if (!state.iceConnected || (unseen && state.silent))
    return endCall(state, { reason: 'signalling_lost', by: 'itself' }, 'signalling_lost');
  const ms = LIMITS.unseenLostMs - LIMITS.heartbeatLostMs;
  return stay({ ...state, silent: true }, unseen ? [{ kind: 'set_timer', timer: 'silence', ms }] : []);
}

/** No `ringing` came and the prekey we used is stale: the old offer cannot be opened any more, so nobody rings twice. */
function offerAnew(state: CallState, device: DeviceAddress, callId: CallId | undefined): Step {
  const leg = state.legs.find((one) => one.device === device);
  const asked = leg?.refetched && leg.callId === state.callId;
  if (state.phase !== 'calling' || leg?.state !== 'offered' || !asked || callId === undefined) return stay(state);
  const next: Leg = { ...leg, callId };
  return stay(withLeg(state, next), [
    { kind: 'send', device, callId: leg.callId, message: { type: 'hangup', reason: 'replaced' } },
    { kind: 'erase', device, callId: leg.callId },
    ...(state.rang ? [] : [{ kind: 'set_timer', timer: 'ring', ms: LIMITS.offerWaitMs } as const]),
    { kind: 'send', device, callId, message: { type: 'offer' } },
  ]);
}

const offerEffects = (leg: Leg): Effect[] => [
  { kind: 'send', device: leg.device, callId: leg.callId, message: { type: 'offer' } },
  { kind: 'set_timer', timer: `stale ${leg.device}`, ms: LIMITS.ringingWaitMs },
];

/** By bytes: base64url does not sort as they do. */
function isLesser(a: CallId, b: CallId): boolean {
  const [left, right] = [callIdBytes(a), callIdBytes(b)];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at >= 0 && (left[at] as number) < (right[at] as number);
}

function requirePhase(state: CallState, phase: Phase): void {
  if (state.phase !== phase) throw new VollyError('forbidden_in_state', `the call is ${state.phase}, not ${phase}`);
}
