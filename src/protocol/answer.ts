/** The answer: sealed to the offer's one-time key, bound to the offer, signed by the callee's device. PROTOCOL.md section 9.2. */
import { type Bytes, concat, utf8 } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { COMPOSITE, compositeVerify } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import { openPsk, sealPsk } from '../crypto/hpke.ts';
import type { Provider } from '../crypto/primitives.ts';
import { XWING } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import { newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { decodeBody, deflateSdp, encodeBody, inflateSdp, PADDING } from './body.ts';
import { asArray, asBytes, asOneOf } from './cbor.ts';
import type { LocalDevice } from './device.ts';
import type { EnvelopeOf } from './envelope.ts';
import { addressOf, checkTime, encodeHeader, type HeaderBytes, readHeader, sameParty } from './header.ts';
import { type CalleeLeg, type CallerLeg, eraseOffer, POLICIES, type Policy } from './offer.ts';
import { checkAnswerFits, checkSdp } from './sdp.ts';
import { selectMac } from './select.ts';
import { answered, type Session } from './session.ts';
import { epochExports, epochKeys } from './session-keys.ts';
import { CONTEXT } from './suite.ts';

type AnswerEnvelope = EnvelopeOf<'app.volly.call.answer'>;

const TYPE = 'app.volly.call.answer';
const TAG = 16;

const infoOf = (header: Uint8Array): Bytes => concat(utf8(CONTEXT.answer), sha256(header));

/** Throws `downgrade`: `required` is the stronger. */
function checkPolicy(offered: Policy, answer: Policy): void {
  if (offered === 'required' && answer === 'none') throw new VollyError('downgrade', 'policy');
}

/** Epoch 1 of both sides, from the same exports. */
function begin(leg: CallerLeg | CalleeLeg, session: Session, signed: Uint8Array, exported: readonly Bytes[]): Session {
  const confirm = exported.at(-1) as Bytes;
  const mac = selectMac(confirm, leg.hash, sha256(signed));
  confirm.fill(0);
  eraseOffer(leg);
  return answered(session, epochKeys(session.role, 1, exported), mac);
}

export interface SealAnswer {
  readonly device: LocalDevice;
  /** From `openOffer`; its secrets are erased. */
  readonly leg: CalleeLeg;
  /** As it is now: `ringing` was sent through it. It is used up. */
  readonly session: Session;
  readonly sdp: string;
  readonly policy: Policy;
  readonly now: number;
  /** 64 bytes, for reproducible vectors with the noble provider only. */
  readonly eseed?: Uint8Array;
}

/** Only after the user accepted (R1). Throws `bad_sdp`, `downgrade`, `too_large`. */
export async function sealAnswer(
  provider: Provider,
  random: RandomBytes,
  options: SealAnswer,
): Promise<{ readonly envelope: AnswerEnvelope; readonly session: Session }> {
  const { device, leg, session, sdp, policy, now, eseed } = options;
  checkSdp(sdp);
  checkAnswerFits(leg.sdp, sdp);
  checkPolicy(leg.policy, policy);
  const { callId, self: from, peer: to } = session;
  const lifetime = LIMITS.messageLifeMs;
  const { bytes } = encodeHeader({ type: TYPE, direction: 1, callId, from, to, epoch: 0, seq: 0, sentTs: now, lifetime });
  const { enc, ciphertext, exported } = await sealPsk(provider, {
    ...{ publicKey: leg.ek, psk: leg.psk, pskId: leg.hash, info: infoOf(bytes), aad: bytes, exports: epochExports(1) },
    plaintext: encodeBody([deflateSdp(sdp), policy], PADDING.description),
    ...(eseed && { eseed }),
  });
  const signed = concat(bytes, enc, ciphertext);
  const envelope: AnswerEnvelope = {
    ...{ id: newEnvelopeId(random), type: TYPE, from: addressOf(from), to: addressOf(to), expires: now + lifetime },
    ...{ header: bytes, quantum_key: enc, sealed: ciphertext },
    signature: device.sign(signed, CONTEXT.answer),
  };
  return { envelope, session: begin(leg, session, signed, exported) };
}

export interface OpenAnswer {
  readonly leg: CallerLeg;
  /** As it is now: `ringing` came through it. */
  readonly session: Session;
  readonly now: number;
}

/**
 * The first answer that opens is the one to select: its leg's secrets are erased, its session is used up and the returned one
 * counts. Throws `too_large`, `bad_encoding`, `bad_address`, `wrong_type`, `unknown_suite`, `wrong_sender`, `wrong_recipient`,
 * `unknown_call`, `clock_skew`, `expired`, `bad_signature`, `open_failed`, `bad_padding`, `bad_sdp`, `downgrade`; the leg is as it
 * was then.
 */
export async function openAnswer(
  provider: Provider,
  envelope: AnswerEnvelope,
  options: OpenAnswer,
): Promise<{ readonly sdp: string; readonly policy: Policy; readonly session: Session }> {
  const { leg, session } = options;
  const { bytes } = checkHeader(session, envelope, options.now);
  const signed = concat(bytes, envelope.quantum_key, envelope.sealed);
  if (!compositeVerify(provider, leg.dik, signed, CONTEXT.answer, envelope.signature))
    throw new VollyError('bad_signature', 'answer');
  const { plaintext, exported } = await openPsk(provider, {
    ...{ seed: leg.seed, psk: leg.psk, pskId: leg.hash, info: infoOf(bytes), aad: bytes, exports: epochExports(1) },
    ...{ enc: envelope.quantum_key, ciphertext: envelope.sealed },
  });
  const [deflated, policyField] = asArray(decodeBody(plaintext), 'answer', 2);
  const sdp = inflateSdp(asBytes(deflated, 'sdp'));
  checkSdp(sdp);
  checkAnswerFits(leg.sdp, sdp);
  const policy = asOneOf(policyField, 'policy', POLICIES);
  checkPolicy(leg.policy, policy);
  return { sdp, policy, session: begin(leg, session, signed, exported) };
}

function checkHeader(session: Session, envelope: AnswerEnvelope, now: number): HeaderBytes {
  const { quantum_key, sealed, signature } = envelope;
  if (sealed.length > LIMITS.bodyBytes + TAG) throw new VollyError('too_large', 'sealed');
  if (quantum_key.length !== XWING.ciphertext) throw new VollyError('bad_encoding', 'quantum_key');
  if (signature.length !== COMPOSITE.signature) throw new VollyError('bad_encoding', 'signature');
  const read = readHeader(envelope);
  const { callId, from, to, direction, epoch, seq } = read.header;
  if (callId !== session.callId) throw new VollyError('unknown_call');
  if (!sameParty(from, session.peer)) throw new VollyError('wrong_sender', 'not the device the offer went to');
  if (!sameParty(to, session.self) || 'prekeyHash' in to) throw new VollyError('wrong_recipient', 'not the caller');
  if (direction !== 1) throw new VollyError('wrong_type', 'direction');
  if (epoch !== 0 || seq !== 0) throw new VollyError('bad_encoding', 'epoch or seq');
  checkTime(read.header, now, LIMITS.messageLifeMs);
  return read;
}
