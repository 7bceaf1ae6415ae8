/**
 * What two devices share during a call: keys by epoch and the numbers of messages. PROTOCOL.md section 10. State in, new state out:
 * every function takes a session and returns the next. A session is used up by that: two messages sealed from one state would have
 * the same nonce, so the second attempt throws TypeError instead.
 */
import { type Bytes, concat } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { sealAt } from '../crypto/aead.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { XWING, xwingPublicKey } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import { type CallId, newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { encodeBody } from './body.ts';
import { addressOf, encodeHeader, type HeaderBytes, type Party } from './header.ts';
import { directionKeys, type EpochKeys, eraseAead, eraseKeys, type Role } from './session-keys.ts';
import {
  encodeMessage,
  lifeOf,
  type MessageBody,
  type MessageEnvelope,
  type MessageName,
  type MessageType,
  nameOf,
  type Outgoing,
  paddingOf,
  rulesOf,
  typeOf,
} from './session-messages.ts';

/** A message that opened before one with a lower number came. */
export interface Waiting {
  readonly epoch: number;
  readonly body: MessageBody;
  /** H(hdr ‖ sealed), where the message is a negotiate. */
  readonly hash?: Bytes;
  /** The keys that a re-keying reply brings. */
  readonly keys?: EpochKeys;
}

export interface Session {
  readonly role: Role;
  readonly callId: CallId;
  readonly self: Party;
  readonly peer: Party;
  /** By epoch, ascending; what is left of older ones is for receiving only. */
  readonly keys: readonly EpochKeys[];
  readonly sendEpoch: number;
  /** The next number to send: in epoch 0, and from epoch 1 on. */
  readonly sendSeq: { readonly zero: number; readonly later: number };
  /** Numbers seen in epoch 0, where each message stands alone. */
  readonly seenZero: ReadonlySet<number>;
  /** The next number to apply from epoch 1 on, the epoch of the last one applied, and what came too soon. */
  readonly receiveSeq: number;
  readonly receiveEpoch: number;
  readonly waiting: ReadonlyMap<number, Waiting>;
  /** HMAC of select; there from the answer until select. */
  readonly mac?: Bytes;
  /** When select was sent or applied, Unix time in milliseconds. */
  readonly selectedAt?: number;
  /** Our negotiate offer that has no answer yet; with the secret half of `ek` where it asked for a re-keying. */
  readonly offered?: {
    readonly sdp: string;
    readonly rekey?: { readonly seed: Bytes; readonly pskId: Bytes; readonly epoch: number };
  };
}

export interface Sent {
  readonly envelope: MessageEnvelope;
  readonly session: Session;
}

/** Epoch 0, from an offer's exports; `caller` and `callee` are key blocks of 44 bytes and are erased. */
export function newSession(options: {
  readonly role: Role;
  readonly callId: CallId;
  readonly self: Party;
  readonly peer: Party;
  readonly caller: Bytes;
  readonly callee: Bytes;
}): Session {
  const { role, callId, self, peer, caller, callee } = options;
  return {
    ...{ role, callId, self, peer, keys: [{ epoch: 0, ...directionKeys(role, caller, callee) }] },
    ...{ sendEpoch: 0, sendSeq: { zero: 0, later: 0 }, seenZero: new Set<number>() },
    ...{ receiveSeq: 0, receiveEpoch: 0, waiting: new Map<number, Waiting>() },
  };
}

/** Epoch 1, from an answer. */
export function answered(session: Session, keys: EpochKeys, mac: Bytes): Session {
  consume(session);
  return { ...session, keys: [...session.keys, keys], sendEpoch: 1, mac };
}

const used = new WeakSet<Session>();

/** For functions that return a next state. Undo with `restore` where nothing was sent or learnt. */
export function consume(session: Session): void {
  if (used.has(session)) throw new TypeError('this state of the session was used already: go on with the one that came of it');
  used.add(session);
}

export const restore = (session: Session): void => void used.delete(session);

/** Whether a lower number is missing: the call ends when that lasts 30 s. */
export const hasGap = (session: Session): boolean => session.waiting.size > 0;

/** Ends it: all keys are zeros and every older state of it is dead too. */
export function eraseSession(session: Session): void {
  used.add(session);
  for (const keys of session.keys) eraseKeys(keys);
  for (const { keys } of session.waiting.values()) if (keys) eraseKeys(keys);
  session.mac?.fill(0);
  session.offered?.rekey?.seed.fill(0);
}

/** The caller's key of epoch 0 outlives select by 30 s, for a hangup of the callee that crossed it. */
export function dropOldKeys(session: Session, now: number): Session {
  const over = session.selectedAt !== undefined && now > session.selectedAt + LIMITS.messageLifeMs;
  if (!over || session.keys[0]?.epoch !== 0) return session;
  eraseKeys(session.keys[0]);
  return { ...session, keys: session.keys.slice(1) };
}

export const keysOf = (session: Session, epoch: number): EpochKeys | undefined =>
  session.keys.find((keys) => keys.epoch === epoch);

const forbidden = (what: string): never => {
  throw new VollyError('forbidden_in_state', what);
};

/** The epoch a message goes out in. Throws `forbidden_in_state`. */
function epochFor(session: Session, name: MessageName): number {
  const { epoch, by } = rulesOf(name);
  if (by && by !== session.role) forbidden(name);
  const selected = session.selectedAt !== undefined;
  if (epoch === 'zero' || (epoch === 'any' && !selected)) return selected ? forbidden(name) : 0;
  if (session.sendEpoch === 0) forbidden(name);
  // The caller's first message of epoch 1 is select, and there is one.
  if (session.role === 'caller' && (name === 'select_answer') === selected) forbidden(name);
  return session.sendEpoch;
}

export function nextHeader(session: Session, type: MessageType, epoch: number, now: number): HeaderBytes {
  return encodeHeader({
    ...{ type, direction: session.role === 'caller' ? 0 : 1, callId: session.callId, from: session.self, to: session.peer },
    ...{ epoch, seq: epoch === 0 ? session.sendSeq.zero : session.sendSeq.later, sentTs: now, lifetime: lifeOf(nameOf(type)) },
  });
}

export const nextSeq = ({ sendSeq: { zero, later } }: Session, epoch: number): Session['sendSeq'] =>
  epoch === 0 ? { zero: zero + 1, later } : { zero, later: later + 1 };

/** The fields around a sealed message. */
export const wrap = (random: RandomBytes, { header, bytes }: HeaderBytes) => ({
  id: newEnvelopeId(random),
  from: addressOf(header.from),
  to: addressOf(header.to),
  expires: header.sentTs + header.lifetime,
  header: bytes,
});

/**
 * Seals the next message. Synchronous, so that a page that closes can still hang up. Throws `forbidden_in_state`, `bad_sdp`,
 * `bad_candidate`, `bad_encoding`, `too_large`; the session is as it was then.
 */
export function sealMessage(provider: Provider, random: RandomBytes, before: Session, message: Outgoing, now: number): Sent {
  const session = dropOldKeys(before, now);
  const epoch = epochFor(session, message.type);
  const offer = message.type === 'negotiate' && message.description === 'offer' ? message : undefined;
  if (offer && session.offered) forbidden('a second negotiate offer');
  if (message.type === 'negotiate' && !offer) mayAnswer(session);
  const seed = offer?.rekey ? random(XWING.seed) : undefined;
  const content: MessageBody =
    message.type === 'select_answer'
      ? { type: 'select_answer', mac: session.mac as Bytes }
      : { ...message, ...(seed && { ek: xwingPublicKey(provider, seed) }) };
  const body = encodeBody(encodeMessage(content), paddingOf(message.type));
  const header = nextHeader(session, typeOf(message.type), epoch, now);
  const keys = keysOf(session, epoch) as EpochKeys;
  const seq = header.header.seq;
  consume(before);
  const sealed = sealAt(provider, keys.send, seq, header.bytes, body);
  const rekey = seed && { seed, pskId: sha256(concat(header.bytes, sealed)), epoch };
  const offered = offer && { sdp: offer.sdp, ...(rekey && { rekey }) };
  const settled = message.type === 'negotiate' && !offer ? withoutOffered(session) : session;
  const next = { ...settled, sendSeq: nextSeq(session, epoch), ...(offered && { offered }) };
  const envelope = { ...wrap(random, header), type: header.header.type, sealed } as MessageEnvelope;
  return { envelope, session: message.type === 'select_answer' ? select(next, now) : next };
}

/** Glare: the caller is impolite and ignores an offer that collides with its own; answering it would fork the epochs. */
export function mayAnswer(session: Session): void {
  if (session.offered && session.role === 'caller') forbidden('an answer to a colliding offer');
}

/** The own offer was answered, or rolled back. */
export function withoutOffered(session: Session): Session {
  const { offered, ...rest } = session;
  offered?.rekey?.seed.fill(0);
  return rest;
}

/** After it nothing is sent in epoch 0; the callee keeps nothing of it either. */
export function select(session: Session, now: number): Session {
  const { mac, ...rest } = session;
  mac?.fill(0);
  const zero = keysOf(session, 0);
  if (!zero) return { ...rest, selectedAt: now };
  if (session.role === 'caller') {
    eraseAead(zero.send);
    return { ...rest, selectedAt: now };
  }
  eraseKeys(zero);
  return { ...rest, selectedAt: now, keys: session.keys.filter((keys) => keys !== zero) };
}
