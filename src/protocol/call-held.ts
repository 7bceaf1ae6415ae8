/**
 * Messages that overtook what they need: a call's offer, or the keys of an epoch. They are kept unopened, bounded three ways, and given
 * back in order of arrival. PROTOCOL.md section 11, "Arriving early". Pure: time is a parameter.
 */
import { type CallId, type MemberId, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeType } from './envelope.ts';

interface HeldCall<T> {
  /** Whose messages these claim to be; nobody has verified it yet. */
  readonly sender: MemberId;
  /** When the first came: the call's messages go together. */
  readonly since: number;
  readonly messages: readonly T[];
}

export type Held<T> = ReadonlyMap<CallId, HeldCall<T>>;

/**
 * `full` = no room in the table: not to be acknowledged, since the gateway brings it again. `dropped` = the sender's own share is used
 * up: acknowledged and forgotten, or one stranger could stop a device's inbox.
 */
export type HoldResult<T> =
  | { readonly kind: 'held'; readonly held: Held<T> }
  | { readonly kind: 'full' }
  | { readonly kind: 'dropped' };

/**
 * Whether a held message stays with the bridge too: what is held is memory, and a hangup that a restart forgot would let its offer, coming
 * after it, ring for a dead call. Of what else comes before its call a restarted process has no use: it has no keys for it.
 */
export const staysWithBridge = (type: EnvelopeType, known: boolean): boolean => type === 'app.volly.call.hangup' && !known;

/** Call `expireHeld` first. `known` = the call is there, only its epoch is not: strangers' messages never take its room. */
export function hold<T>(held: Held<T>, callId: CallId, sender: MemberId, message: T, now: number, known = false): HoldResult<T> {
  const call = held.get(callId);
  // The id is not authenticated: another member's messages never take the room of the first one's.
  if (call && call.sender !== sender) return { kind: 'dropped' };
  if (call && call.messages.length >= LIMITS.heldPerCall) return { kind: 'dropped' };
  if (!call && !known) {
    const ofServer = [...held.values()].filter((one) => serverOf(one.sender) === serverOf(sender));
    if (ofServer.length >= LIMITS.heldCallsPerServer) return { kind: 'dropped' };
    if (ofServer.filter((one) => one.sender === sender).length >= LIMITS.heldCallsPerMember) return { kind: 'dropped' };
    if (held.size >= LIMITS.heldCalls) return { kind: 'full' };
  }
  const messages = [...(call?.messages ?? []), message];
  return { kind: 'held', held: new Map(held).set(callId, { sender, since: call?.since ?? now, messages }) };
}

/** What is held no more, in order of arrival, and the table without it. */
export interface Released<T> {
  readonly held: Held<T>;
  readonly messages: readonly T[];
}

/** One call's messages. */
export function release<T>(held: Held<T>, callId: CallId): Released<T> {
  const call = held.get(callId);
  if (!call) return { held, messages: [] };
  const rest = new Map(held);
  rest.delete(callId);
  return { held: rest, messages: call.messages };
}

/** Those of the calls whose first message is older than LIMITS.heldMs. */
export function expireHeld<T>(held: Held<T>, now: number): Released<T> {
  const late = [...held].filter(([, call]) => now - call.since >= LIMITS.heldMs);
  if (late.length === 0) return { held, messages: [] };
  const rest = new Map(held);
  for (const [id] of late) rest.delete(id);
  return { held: rest, messages: late.flatMap(([, call]) => call.messages) };
}
