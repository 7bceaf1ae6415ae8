/**
 * An incoming call before its person has decided. R1: it knows the offer and no peer connection; there is none before `accept`, so no
 * track is opened and no candidate gathered for a caller nobody answered.
 */
import type { CallId, DeviceAddress, MemberId } from '../ids.ts';
import { memberOf } from '../ids.ts';
import type { End } from '../protocol/call-state.ts';
import { addressOf } from '../protocol/header.ts';
import type { Offer } from '../protocol/offer.ts';
import type { Call } from './call.ts';
import { Emitter } from './events.ts';
import { type MediaKinds, mediaKindsOf } from './media-sdp.ts';
import type { PeerConnectionLike } from './peer-connection.ts';

/** @internal What calls.ts does when the person decides. */
export interface Decision {
  accept(pc: PeerConnectionLike): Promise<Call>;
  reject(reason: string, all: boolean): Promise<void>;
}

/** What may happen to a call that rings. */
export interface IncomingEvents {
  /** It stopped ringing without this user: hung up, answered elsewhere, expired. */
  readonly ended: [end: End];
}

/** A call that rings: {@link Incoming.accept} or {@link Incoming.reject} it. PROTOCOL.md section 11. */
export class Incoming extends Emitter<IncomingEvents> {
  /** Who calls. */
  readonly from: MemberId;
  /** The device that calls. */
  readonly device: DeviceAddress;
  /** 128 random bits in base64url, for logs. */
  readonly id: CallId;
  /** What the caller's offer has sections for. */
  readonly media: MediaKinds;
  /** False from a legacy peer: the call would be encrypted to its community's server. Show it before accepting. */
  readonly endToEnd: boolean;
  /** The caller's identity is pinned: this user has called or accepted it before. False = a first contact. */
  readonly known: boolean;
  /** Its safety number was compared. */
  readonly verified: boolean;
  readonly #decision: Decision;
  #end: End | undefined;

  /** @internal */
  constructor(offer: Offer, about: { readonly known: boolean; readonly verified: boolean }, decision: Decision) {
    super();
    this.device = addressOf(offer.from);
    this.from = memberOf(this.device);
    this.id = offer.callId;
    this.media = mediaKindsOf(offer.sdp);
    this.endToEnd = offer.identity.kind === 'enhanced';
    this.known = about.known;
    this.verified = about.verified;
    this.#decision = decision;
  }

  /** Set once it stopped ringing without this user: hung up, answered elsewhere, expired. */
  get end(): End | undefined {
    return this.#end;
  }

  /**
   * Answers with this peer connection, which the call owns from here on, and pins the caller. Throws `unknown_call` where it stopped
   * ringing meanwhile, `forbidden_in_state` where it was accepted already, `bad_sdp` where the peer connection refuses the offer.
   */
  accept({ pc }: { readonly pc: PeerConnectionLike }): Promise<Call> {
    return this.#decision.accept(pc);
  }

  /** `all` (the default): on every device of this user. The caller hears `reason`, `declined` unless told otherwise. */
  reject({ reason = 'declined', all = true }: { readonly reason?: string; readonly all?: boolean } = {}): Promise<void> {
    return this.#decision.reject(reason, all);
  }

  /** @internal For calls.ts. */
  finish(end: End): void {
    if (this.#end) return;
    this.#end = end;
    this.emit('ended', end);
  }
}
