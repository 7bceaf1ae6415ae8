/**
 * What a call is made of: its state, what may happen to it, what is to be done then. PROTOCOL.md section 11. Types and the table of R2
 * only; call.ts is the way from one state to the next.
 *
 * Caller and callee differ in their tables, not in their shape: a caller's call has one leg per callee device, a callee's has one.
 */
import type { ErrorCode } from '../errors.ts';
import type { CallId, DeviceAddress } from '../ids.ts';

/** Which side of a call. */
export type Role = 'caller' | 'callee';
/** Where a call stands: a caller's is never `ringing` or `answered`, a callee's never `calling`. */
export type Phase = 'calling' | 'ringing' | 'answered' | 'active' | 'ended';
export type MessageType = 'ringing' | 'answer' | 'reject' | 'hangup' | 'select_answer' | 'candidates' | 'negotiate' | 'heartbeat';

/** R2: what each role may receive in each phase. Everything else is `forbidden_in_state`, counted, and changes nothing. */
export const MAY_RECEIVE: Readonly<Record<Role, Readonly<Record<Phase, readonly MessageType[]>>>> = {
  caller: {
    calling: ['ringing', 'answer', 'reject', 'hangup'],
    active: ['candidates', 'negotiate', 'heartbeat', 'hangup'],
    ended: [],
    // A caller is never in these two.
    ringing: [],
    answered: [],
  },
  callee: {
    ringing: ['hangup'],
    answered: ['select_answer', 'hangup'],
    active: ['candidates', 'negotiate', 'heartbeat', 'hangup'],
    ended: [],
    calling: [],
  },
};

export interface Leg {
  /** The other side's device. */
  readonly device: DeviceAddress;
  /** The call's own, until a stale prekey made this leg be offered anew under another. */
  readonly callId: CallId;
  readonly state: 'offered' | 'ringing' | 'ended';
  /** Its bundle was fetched again already: once is enough. */
  readonly refetched: boolean;
}

/** Why a call is over. */
export interface End {
  /** A VollyError code or a peer's own word, `[a-z_]{1,40}`. */
  readonly reason: string;
  /** `itself` = a timer or a fault, neither of the two people. */
  readonly by: 'local' | 'remote' | 'itself';
}

export interface CallState {
  readonly role: Role;
  readonly phase: Phase;
  readonly callId: CallId;
  readonly legs: readonly Leg[];
  /** The selected leg's device: from `active` on, for a callee from the start. */
  readonly peer?: DeviceAddress;
  /** Our negotiate offer is out and has no reply yet. (W3C's name; there it also covers the making, which media.ts serialises.) */
  readonly makingOffer: boolean;
  /** Theirs was handed to the peer connection and our reply is not out yet. */
  readonly answering: boolean;
  /** LIMITS.negotiateWaitMs went by without a reply to ours. */
  readonly unanswered: boolean;
  /** Some leg's device has rung: the wait for an answer is counted from the first one. */
  readonly rang: boolean;
  /** `unseen`: the bridge of a legacy app takes it for connected. */
  readonly iceConnected: boolean | 'unseen';
  /** LIMITS.heartbeatLostMs went by without a message. */
  readonly silent: boolean;
  /** Messages wait behind a missing one; `stays` = so long that it will not come: nothing is applied any more. */
  readonly gap: 'none' | 'open' | 'stays';
  readonly end?: End;
}

/** An opened message, as far as the call's state is concerned; the driver's own object travels through `apply` unchanged. */
export type CallMessage =
  | { readonly type: 'ringing' | 'answer' | 'candidates' | 'heartbeat' }
  | { readonly type: 'reject'; readonly reason: string; readonly all: boolean }
  | { readonly type: 'hangup'; readonly reason: string }
  | { readonly type: 'select_answer'; readonly macMatches: boolean }
  | { readonly type: 'negotiate'; readonly description: 'offer' | 'answer' };

/** `stale` is a leg's: no `ringing` came. `ring`: nobody answers. The rest belong to the call. */
export type Timer = 'ring' | 'select' | 'gap' | 'negotiation' | 'heartbeat' | 'silence' | `stale ${DeviceAddress}`;

export type CallEvent =
  | { readonly kind: 'received'; readonly from: DeviceAddress; readonly callId: CallId; readonly message: CallMessage }
  /** A leg's offer did not arrive, or could not be made: `undeliverable`, `unconfirmed`, `unknown_member` … */
  | { readonly kind: 'leg_failed'; readonly device: DeviceAddress; readonly callId: CallId; readonly reason: string }
  /** The answer to a `refetch`: the device has a newer prekey, and `callId` is fresh for a new offer to it; absent = no newer one. */
  | { readonly kind: 'refetched'; readonly device: DeviceAddress; readonly callId?: CallId }
  | { readonly kind: 'timer'; readonly timer: Timer }
  /** A message verified, and some wait behind a missing seq (`open`); or the gap closed. */
  | { readonly kind: 'gap'; readonly open: boolean }
  | { readonly kind: 'ice'; readonly connected: boolean | 'unseen' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly reason: string; readonly all: boolean }
  | { readonly kind: 'hangup'; readonly reason: string }
  | { readonly kind: 'negotiate'; readonly description: 'offer' | 'answer' }
  /** A fault on this device that no message tells of: `media_mismatch`, or a reply that does not open. */
  | { readonly kind: 'fail'; readonly reason: ErrorCode }
  /** Glare, and ours is the greater call_id. */
  | { readonly kind: 'replaced' };

/** What to seal for a leg, under its call id. `offer` under a fresh call key; `answer`, `negotiate` with the SDP at hand. */
export type Outgoing =
  | { readonly type: 'offer' | 'ringing' | 'answer' | 'select_answer' | 'heartbeat' }
  | { readonly type: 'reject'; readonly reason: string; readonly all: boolean }
  | { readonly type: 'hangup'; readonly reason: string }
  | { readonly type: 'negotiate'; readonly description: 'offer' | 'answer' };

export type Effect =
  | { readonly kind: 'send'; readonly device: DeviceAddress; readonly callId: CallId; readonly message: Outgoing }
  | { readonly kind: 'refetch'; readonly device: DeviceAddress }
  | { readonly kind: 'set_timer'; readonly timer: Timer; readonly ms: number }
  | { readonly kind: 'cancel_timer'; readonly timer: Timer }
  /** All of the call's. */
  | { readonly kind: 'cancel_timers' }
  /** The leg's keys are never used again. */
  | { readonly kind: 'erase'; readonly device: DeviceAddress; readonly callId: CallId }
  /** Hand this message's content to the peer connection. */
  | { readonly kind: 'apply'; readonly from: DeviceAddress; readonly message: CallMessage }
  | { readonly kind: 'changed'; readonly phase: Phase }
  /** Counted, nothing else. */
  | { readonly kind: 'refused'; readonly code: 'forbidden_in_state' | 'signalling_lost'; readonly type: MessageType };

export interface Step {
  readonly state: CallState;
  readonly effects: readonly Effect[];
}
