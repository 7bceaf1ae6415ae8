/** The offer: an SDP sealed to one device of the callee, and the secrets both sides have from it. PROTOCOL.md section 9.1. */
import type { Bytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { AEAD_KEY_BYTES } from '../crypto/aead.ts';
import type { Provider } from '../crypto/primitives.ts';
import { checkXwingPublicKey, XWING, xwingPublicKey } from '../crypto/xwing.ts';
import type { CallId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { deflateSdp, encodeBody, inflateSdp, PADDING } from './body.ts';
import type { Peer } from './bundle.ts';
import { asArray, asBytes, asOneOf } from './cbor.ts';
import type { LocalDevice } from './device.ts';
import type { EnvelopeOf } from './envelope.ts';
import { type Party, partyOf } from './header.ts';
import type { Identity } from './identity.ts';
import { type OpenOpening, openOpening, sealOpening } from './opening.ts';
import { checkSdp } from './sdp.ts';
import { newSession, type Session } from './session.ts';

/** Whether media frames are encrypted end to end beside DTLS. */
export type Policy = 'none' | 'required';
export const POLICIES: readonly Policy[] = ['none', 'required'];

/** What both sides keep from an offer until its answer, beside the session. `eraseOffer` ends it. */
interface OfferSecrets {
  /** 32 bytes. */
  readonly psk: Bytes;
  /** H_offer. */
  readonly hash: Bytes;
  readonly sdp: string;
  readonly policy: Policy;
}

/** The caller's side of a call to one device. */
export interface CallerLeg extends OfferSecrets {
  /** Of ek_call, 32 bytes. */
  readonly seed: Bytes;
  /** The callee's DIK, 1,984 bytes: it signs the answer. */
  readonly dik: Bytes;
}

export interface CalleeLeg extends OfferSecrets {
  /** ek_call, 1,216 bytes: the answer is sealed to it. */
  readonly ek: Bytes;
}

const EXPORTS = [
  { label: 'volly/1/e0/psk', length: 32 },
  { label: 'volly/1/e0/caller', length: AEAD_KEY_BYTES },
  { label: 'volly/1/e0/callee', length: AEAD_KEY_BYTES },
];

export interface SealOffer {
  readonly device: LocalDevice;
  /** From `checkBundle`. */
  readonly peer: Peer;
  /** One for the call, the same for each of the callee's devices. */
  readonly callId: CallId;
  readonly sdp: string;
  readonly policy: Policy;
  readonly now: number;
  /** Milliseconds, at most 60,000, which is the default. */
  readonly lifetime?: number;
  /** The own encoded identity, unless this device has confirmed it. */
  readonly identity?: Bytes;
  /** 64 bytes, for reproducible vectors with the noble provider only. */
  readonly eseed?: Uint8Array;
}

/**
 * Gives the envelope, what the answer needs, and the session of epoch 0, through which ringing, reject and hangup go. Throws
 * `bad_sdp` (also for an SDP with candidates: see `withoutCandidates`), `too_large`.
 */
export async function sealOffer(
  provider: Provider,
  random: RandomBytes,
  options: SealOffer,
): Promise<{ readonly envelope: EnvelopeOf<'app.volly.call.offer'>; readonly leg: CallerLeg; readonly session: Session }> {
  const { device, peer, callId, sdp, policy, now, identity, eseed } = options;
  checkSdp(sdp);
  const seed = random(XWING.seed);
  const body = encodeBody([deflateSdp(sdp), xwingPublicKey(provider, seed), policy], PADDING.offer);
  const lifetime = options.lifetime ?? LIMITS.offerLifeMs;
  const { envelope, hash, exported } = await sealOpening(provider, random, {
    ...{ type: 'app.volly.call.offer' as const, device, peer, callId, seq: 0, now, lifetime, body, exports: EXPORTS },
    ...{ identity, eseed },
  });
  const [psk, caller, callee] = exported as [Bytes, Bytes, Bytes];
  const session = newSession({ role: 'caller', callId, self: partyOf(device), peer: partyOf(peer.target), caller, callee });
  return { envelope, leg: { seed, psk, hash, sdp, policy, dik: peer.identity.dik }, session };
}

export interface Offer {
  readonly from: Party;
  /** Verified; what `pin` takes when the user answers. */
  readonly identity: Identity;
  readonly callId: CallId;
  readonly sdp: string;
  readonly policy: Policy;
  /** Unix times in milliseconds; nothing rings past `expires`. */
  readonly sentTs: number;
  readonly expires: number;
}

/** All of section 12. An offer that is refused is dropped without an answer. */
export async function openOffer(
  provider: Provider,
  envelope: EnvelopeOf<'app.volly.call.offer'>,
  options: OpenOpening,
): Promise<{ readonly offer: Offer; readonly leg: CalleeLeg; readonly session: Session }> {
  const { header, identity, hash, body, exported } = await openOpening(provider, envelope, EXPORTS, options);
  const [deflated, key, policyField] = asArray(body, 'offer', 3);
  const sdp = inflateSdp(asBytes(deflated, 'sdp'));
  checkSdp(sdp);
  const ek = asBytes(key, 'ek_call', XWING.publicKey);
  checkXwingPublicKey(ek);
  const policy = asOneOf(policyField, 'policy', POLICIES);
  const [psk, caller, callee] = exported as [Bytes, Bytes, Bytes];
  const { callId, from, sentTs, lifetime } = header;
  const session = newSession({ role: 'callee', callId, self: partyOf(header.to), peer: from, caller, callee });
  return {
    offer: { from, identity, callId, sdp, policy, sentTs, expires: sentTs + lifetime },
    leg: { psk, hash, sdp, policy, ek },
    session,
  };
}

/** Erases what only an answer needs. The session lives on, for a hangup: `eraseSession`. */
export function eraseOffer(leg: CallerLeg | CalleeLeg): void {
  leg.psk.fill(0);
  if ('seed' in leg) leg.seed.fill(0);
}
