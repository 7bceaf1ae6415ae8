/**
 * Opening what a call's peer sends: replay, order, gaps, epochs. PROTOCOL.md section 10. From epoch 1 on messages are applied
 * strictly in order; what comes too soon is opened and waits inside the session; what needs keys that are not there yet is `early`.
 */
import { type Bytes, concat, equal } from '../bytes.ts';
import { openAt } from '../crypto/aead.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeBody } from './body.ts';
import { checkTime, type HeaderBytes, readHeader, sameParty } from './header.ts';
import { checkAnswerFits } from './sdp.ts';
import { consume, dropOldKeys, keysOf, restore, type Session, select, type Waiting, withoutOffered } from './session.ts';
import { type EpochKeys, eraseKeys } from './session-keys.ts';
import {
  decodeMessage,
  type Incoming,
  lifeOf,
  type MessageEnvelope,
  type MessageName,
  nameOf,
  rulesOf,
} from './session-messages.ts';
import { openRekey } from './session-rekey.ts';

export type Received =
  /** `messages` are to be acted on in this order; none where the one that came waits for an earlier. Then see `hasGap`. */
  | { readonly kind: 'opened'; readonly session: Session; readonly messages: readonly Incoming[] }
  /** Of an epoch not reached: keep the envelope unopened and try again after the next change. The session is as it was. */
  | { readonly kind: 'early' };

const TAG = 16;

/** What is large: a peer cannot pile it up behind a gap. */
const MAY_WAIT: Partial<Readonly<Record<MessageName, number>>> = {
  negotiate: LIMITS.waitingDescriptions,
  candidates: LIMITS.waitingCandidates,
};

/**
 * Throws `too_large`, `bad_encoding`, `bad_address`, `wrong_type`, `unknown_suite`, `wrong_sender`, `wrong_recipient`, `unknown_call`,
 * `clock_skew`, `expired`, `replayed`, `rate_limited`, `forbidden_in_state`, `open_failed`, `bad_padding`, `bad_sdp`,
 * `bad_candidate`, `bad_key`, `downgrade`; the session is as it was then.
 */
export async function openMessage(
  provider: Provider,
  before: Session,
  envelope: MessageEnvelope,
  now: number,
): Promise<Received> {
  const session = dropOldKeys(before, now);
  const header = checkHeader(session, envelope, now);
  const name = nameOf(envelope.type);
  const { epoch, seq } = header.header;
  checkRules(session, header, name);
  const reply = envelope.type === 'app.volly.call.negotiate' && envelope.quantum_key !== undefined;
  const keys = keysOf(session, epoch) ?? (name === 'hangup' ? keysWaiting(session, epoch) : undefined);
  if (epoch > (session.keys.at(-1)?.epoch ?? 0) && !reply && !keys) return { kind: 'early' };
  consume(before);
  try {
    const opened = reply
      ? await openRekey(provider, session, envelope as Parameters<typeof openRekey>[2], header)
      : openPlain(provider, keys, envelope, header);
    if (epoch === 0) return standAlone(session, seq, opened.body);
    // A hangup acts at once: what it overtook does not matter any more.
    if (opened.body.type === 'hangup') return { kind: 'opened', session: { ...session }, messages: [opened.body] };
    return apply({ ...session, waiting: new Map(session.waiting).set(seq, opened) }, now);
  } catch (error) {
    restore(before);
    throw error;
  }
}

function checkHeader(session: Session, envelope: MessageEnvelope, now: number): HeaderBytes {
  if (envelope.sealed.length > LIMITS.bodyBytes + TAG) throw new VollyError('too_large', 'sealed');
  const read = readHeader(envelope);
  const { callId, from, to, direction } = read.header;
  if (callId !== session.callId) throw new VollyError('unknown_call');
  if (!sameParty(from, session.peer)) throw new VollyError('wrong_sender', 'not the peer of this call');
  if (!sameParty(to, session.self) || 'prekeyHash' in to)
    throw new VollyError('wrong_recipient', 'not the own party of this call');
  if (direction !== (session.role === 'caller' ? 1 : 0)) throw new VollyError('wrong_type', 'direction');
  checkTime(read.header, now, lifeOf(nameOf(envelope.type)));
  return read;
}

/** Epoch, sender and number, before any key is touched. */
function checkRules(session: Session, { header: { epoch, seq } }: HeaderBytes, name: MessageName): void {
  const rules = rulesOf(name);
  if (rules.by && rules.by === session.role) throw new VollyError('forbidden_in_state', name);
  if (epoch === 0 ? rules.epoch === 'later' : rules.epoch === 'zero')
    throw new VollyError('forbidden_in_state', `${name} in this epoch`);
  if (epoch === 0) {
    if (session.seenZero.has(seq)) throw new VollyError('replayed');
    // A handful is sent in epoch 0: ringing, then one end.
    if (seq >= LIMITS.replayWindow) throw new VollyError('rate_limited', 'epoch 0');
    return;
  }
  // The caller's numbers from epoch 1 on begin with select, and select stands nowhere else.
  if (session.role === 'callee' && (name === 'select_answer') !== (seq === 0)) throw new VollyError('forbidden_in_state', name);
  if (seq < session.receiveSeq || session.waiting.has(seq)) throw new VollyError('replayed');
  // It ends the call, whatever went missing before it.
  if (name === 'hangup') return;
  if (seq >= session.receiveSeq + LIMITS.replayWindow) throw new VollyError('rate_limited', 'too far ahead');
  // What is next does not wait, and lets go on what does.
  if (seq === session.receiveSeq) return;
  const most = MAY_WAIT[name] ?? LIMITS.replayWindow;
  const alike = [...session.waiting.values()].filter(({ body }) => body.type === name);
  if (alike.length >= most) throw new VollyError('rate_limited', name);
}

/** Those that a reply brings which waits behind a gap. */
const keysWaiting = (session: Session, epoch: number): EpochKeys | undefined =>
  [...session.waiting.values()].find(({ keys }) => keys?.epoch === epoch)?.keys;

function openPlain(
  provider: Provider,
  keys: EpochKeys | undefined,
  envelope: MessageEnvelope,
  { header, bytes }: HeaderBytes,
): Waiting {
  if (!keys) throw new VollyError('expired', 'the keys of that epoch are erased');
  const body = decodeBody(openAt(provider, keys.receive, header.seq, bytes, envelope.sealed));
  const message = decodeMessage(nameOf(envelope.type), body);
  const hash = message.type === 'negotiate' && { hash: sha256(concat(bytes, envelope.sealed)) };
  return { epoch: header.epoch, body: message, ...hash };
}

function standAlone(session: Session, seq: number, body: Waiting['body']): Received {
  const next = { ...session, seenZero: new Set(session.seenZero).add(seq) };
  return { kind: 'opened', session: next, messages: [toIncoming(next, { epoch: 0, body })] };
}

/**
 * Applies all that is in order now. Applying erases keys, so the state before can only be gone back to while nothing was applied: a
 * message that cannot be is thrown if it is the first, and else stays where it is, a gap that nothing fills.
 */
function apply(before: Session, now: number): Received {
  let session = before;
  const messages: Incoming[] = [];
  for (let one = session.waiting.get(session.receiveSeq); one; one = session.waiting.get(session.receiveSeq)) {
    let incoming: Incoming;
    try {
      if (one.epoch < session.receiveEpoch) throw new VollyError('forbidden_in_state', 'an epoch that ended');
      incoming = toIncoming(session, one);
    } catch (error) {
      if (messages.length === 0) throw error;
      break;
    }
    session = take(session, one, incoming, now);
    messages.push(incoming);
  }
  return { kind: 'opened', session, messages };
}

function toIncoming(session: Session, { epoch, body, hash, keys }: Waiting): Incoming {
  if (body.type === 'select_answer')
    return { type: body.type, macMatches: session.mac !== undefined && equal(session.mac, body.mac) };
  if (body.type !== 'negotiate') return body;
  const { type, description, sdp, ek } = body;
  if (description === 'answer') {
    if (!session.offered) throw new VollyError('forbidden_in_state', 'an answer to no offer');
    // New keys were asked for: going on under the old ones would undo an ICE restart's without a word.
    if (session.offered.rekey && !keys) throw new VollyError('downgrade', 'an answer without the new keys');
    checkAnswerFits(session.offered.sdp, sdp);
    return { type, description, sdp };
  }
  return { type, description, sdp, ...(ek && { rekey: { ek, pskId: hash as Bytes, epoch } }) };
}

/** What applying a message changes besides its number. */
function take(session: Session, { epoch, keys, body }: Waiting, incoming: Incoming, now: number): Session {
  const waiting = new Map(session.waiting);
  waiting.delete(session.receiveSeq);
  let next: Session = { ...session, waiting, receiveSeq: session.receiveSeq + 1, receiveEpoch: epoch };
  if (incoming.type === 'select_answer' && incoming.macMatches) next = select(next, now);
  if (body.type === 'negotiate' && body.description === 'answer') next = withoutOffered(next);
  // The asker changes when it applies the reply, which all that follows it is sealed after.
  if (keys) next = { ...next, keys: [...next.keys, keys], sendEpoch: keys.epoch };
  // The peer has changed too: nothing more comes in the epochs before. (Epoch 0 has an end of its own: `dropOldKeys`.)
  const past = (one: Session['keys'][number]) => one.epoch > 0 && one.epoch < epoch;
  for (const one of next.keys.filter(past)) eraseKeys(one);
  return { ...next, keys: next.keys.filter((one) => !past(one)) };
}
