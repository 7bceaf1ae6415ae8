/** The bodies of a call's messages after offer and answer. PROTOCOL.md section 10. */
import type { Bytes } from '../bytes.ts';
import { checkXwingPublicKey, XWING } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { deflateSdp, inflateSdp, PADDING, type Padding } from './body.ts';
import { type Candidate, decodeCandidate, encodeCandidate } from './candidate.ts';
import { asArray, asBool, asBytes, asOneOf, asText, type Cbor } from './cbor.ts';
import type { EnvelopeOf } from './envelope.ts';
import { checkSdp } from './sdp.ts';
import type { Role } from './session-keys.ts';

interface Rules {
  /** `later` = 1 and above; `any` = 0 until select, then the current one. */
  readonly epoch: 'zero' | 'later' | 'any';
  /** Who may send it; both where it is left out. */
  readonly by?: Role;
}

export const MESSAGES = {
  ringing: { epoch: 'zero', by: 'callee' },
  reject: { epoch: 'zero', by: 'callee' },
  hangup: { epoch: 'any' },
  select_answer: { epoch: 'later', by: 'caller' },
  candidates: { epoch: 'later' },
  negotiate: { epoch: 'later' },
  heartbeat: { epoch: 'later' },
} as const satisfies Record<string, Rules>;

export type MessageName = keyof typeof MESSAGES;
export type MessageType = `app.volly.call.${MessageName}`;
export type MessageEnvelope = { [T in MessageType]: EnvelopeOf<T> }[MessageType];

const PREFIX = 'app.volly.call.';
export const rulesOf = (name: MessageName): Rules => MESSAGES[name];
export const typeOf = (name: MessageName): MessageType => `${PREFIX}${name}`;
/** Of its header, milliseconds. PROTOCOL.md section 9.5. */
export const lifeOf = (name: MessageName): number => (name === 'hangup' ? LIMITS.hangupLifeMs : LIMITS.messageLifeMs);
export const nameOf = (type: MessageType): MessageName => type.slice(PREFIX.length) as MessageName;

type Plain =
  | { readonly type: 'ringing' | 'heartbeat' }
  /** `all` ends the call on every device of the callee. */
  | { readonly type: 'reject'; readonly reason: string; readonly all: boolean }
  | { readonly type: 'hangup'; readonly reason: string }
  | { readonly type: 'candidates'; readonly candidates: readonly Candidate[] };

/** As its body says it. */
export type MessageBody =
  | Plain
  | { readonly type: 'select_answer'; readonly mac: Bytes }
  /** `ek`: an offer asks for a re-keying to it, 1,216 bytes. */
  | { readonly type: 'negotiate'; readonly description: 'offer' | 'answer'; readonly sdp: string; readonly ek?: Bytes };

/** What an application sends through a session. */
export type Outgoing =
  | Plain
  | { readonly type: 'select_answer' }
  /** `rekey` must be true for an ICE restart. */
  | { readonly type: 'negotiate'; readonly description: 'offer'; readonly sdp: string; readonly rekey: boolean }
  /** To an offer that asked for no re-keying; to one that did: `sealRekey`. */
  | { readonly type: 'negotiate'; readonly description: 'answer'; readonly sdp: string };

/** A peer's request to re-key: hand it to `sealRekey` with the answer. */
export interface RekeyRequest {
  readonly ek: Bytes;
  /** H(hdr ‖ sealed) of the negotiate. */
  readonly pskId: Bytes;
  readonly epoch: number;
}

/** What an application receives. */
export type Incoming =
  | Plain
  | { readonly type: 'select_answer'; readonly macMatches: boolean }
  | { readonly type: 'negotiate'; readonly description: 'offer'; readonly sdp: string; readonly rekey?: RekeyRequest }
  | { readonly type: 'negotiate'; readonly description: 'answer'; readonly sdp: string };

const REASON = /^[a-z_]{1,40}$/;
const asReason = (value: Cbor | undefined): string => {
  const reason = asText(value, 'reason');
  if (!REASON.test(reason)) throw new VollyError('bad_encoding', 'reason');
  return reason;
};

export const paddingOf = (name: MessageName): Padding => (name === 'negotiate' ? PADDING.description : PADDING.call);

/** Checks what a receiver would refuse: `bad_encoding`, `bad_sdp`, `bad_candidate`, `too_large`. */
export function encodeMessage(message: MessageBody): Cbor {
  switch (message.type) {
    case 'ringing':
    case 'heartbeat':
      return [];
    case 'reject':
      return [asReason(message.reason), message.all];
    case 'hangup':
      return [asReason(message.reason)];
    case 'select_answer':
      return [message.mac];
    case 'candidates':
      return asArray(message.candidates.map(encodeCandidate), 'candidates', 1, LIMITS.candidatesPerMessage);
    case 'negotiate':
      checkSdp(message.sdp);
      return [message.description, deflateSdp(message.sdp), message.ek ?? new Uint8Array()];
  }
}

/** Throws `bad_encoding`, `bad_sdp`, `bad_candidate`, `bad_key`, `too_large`. */
export function decodeMessage(name: MessageName, body: Cbor): MessageBody {
  switch (name) {
    case 'ringing':
    case 'heartbeat':
      asArray(body, name, 0);
      return { type: name };
    case 'reject': {
      const [reason, all] = asArray(body, name, 2);
      return { type: name, reason: asReason(reason), all: asBool(all, 'all') };
    }
    case 'hangup':
      return { type: name, reason: asReason(asArray(body, name, 1)[0]) };
    case 'select_answer':
      return { type: name, mac: asBytes(asArray(body, name, 1)[0], 'mac', 32) };
    case 'candidates':
      return { type: name, candidates: asArray(body, name, 1, LIMITS.candidatesPerMessage).map(decodeCandidate) };
    case 'negotiate':
      return decodeNegotiate(body);
  }
}

function decodeNegotiate(body: Cbor): MessageBody {
  const fields = asArray(body, 'negotiate', 3);
  const description = asOneOf(fields[0], 'description', ['offer', 'answer']);
  const sdp = inflateSdp(asBytes(fields[1], 'sdp'));
  checkSdp(sdp);
  const ek = asBytes(fields[2], 'ek', ...(description === 'offer' ? [0, XWING.publicKey] : [0]));
  if (ek.length === 0) return { type: 'negotiate', description, sdp };
  checkXwingPublicKey(ek);
  return { type: 'negotiate', description, sdp, ek };
}
