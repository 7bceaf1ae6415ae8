/** One leg's keys: the only place where a call's messages are sealed and opened. Used inside the owner's queue, never twice at once. */
import { VollyError } from '../errors.ts';
import type { CallId, DeviceAddress } from '../ids.ts';
import { openAnswer, sealAnswer } from '../protocol/answer.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { addressOf } from '../protocol/header.ts';
import { type CalleeLeg, type CallerLeg, eraseOffer } from '../protocol/offer.ts';
import { eraseSession, hasGap, type Session, sealMessage } from '../protocol/session.ts';
import type { MessageEnvelope, Outgoing, RekeyRequest } from '../protocol/session-messages.ts';
import { openMessage, type Received } from '../protocol/session-receive.ts';
import { sealRekey } from '../protocol/session-rekey.ts';
import type { PartyContext } from './context.ts';

export class Link {
  readonly #context: PartyContext;
  readonly #leg: CallerLeg | CalleeLeg;
  #session: Session;
  #erased = false;

  constructor(context: PartyContext, leg: CallerLeg | CalleeLeg, session: Session) {
    this.#context = context;
    this.#leg = leg;
    this.#session = session;
  }

  get callId(): CallId {
    return this.#session.callId;
  }

  get device(): DeviceAddress {
    return addressOf(this.#session.peer);
  }

  /** H(DIK) of the peer's device and our list version that its messages confirm. */
  get confirms(): { readonly dikHash: Session['peer']['dikHash']; readonly listVersion: number } {
    return { dikHash: this.#session.peer.dikHash, listVersion: this.#session.self.listVersion };
  }

  get epoch(): number {
    return this.#session.sendEpoch;
  }

  get hasGap(): boolean {
    return hasGap(this.#session);
  }

  seal(message: Outgoing): MessageEnvelope {
    this.#alive();
    const { provider, random } = this.#context;
    const sent = sealMessage(provider, random, this.#session, message, this.#context.now());
    this.#session = sent.session;
    return sent.envelope;
  }

  async sealRekey(sdp: string, rekey: RekeyRequest): Promise<MessageEnvelope> {
    this.#alive();
    const { provider, random } = this.#context;
    const sent = await sealRekey(provider, random, this.#session, { sdp, rekey, now: this.#context.now() });
    this.#session = sent.session;
    return sent.envelope;
  }

  /** Throws as `openMessage` does; nothing has changed then. */
  async open(envelope: MessageEnvelope): Promise<Received> {
    this.#alive();
    const received = await openMessage(this.#context.provider, this.#session, envelope, this.#context.now());
    if (received.kind === 'opened') this.#session = received.session;
    return received;
  }

  async sealAnswer(sdp: string): Promise<EnvelopeOf<'app.volly.call.answer'>> {
    const leg = this.#leg;
    if (!('ek' in leg)) throw new TypeError('a caller does not answer');
    this.#alive();
    const { provider, random, keys } = this.#context;
    const options = { device: keys.local(), leg, session: this.#session, sdp, policy: leg.policy, now: this.#context.now() };
    const { envelope, session } = await sealAnswer(provider, random, options);
    this.#session = session;
    return envelope;
  }

  /** The answer's SDP. Throws as `openAnswer` does; nothing has changed then. */
  async openAnswer(envelope: EnvelopeOf<'app.volly.call.answer'>): Promise<string> {
    const leg = this.#leg;
    if (!('seed' in leg)) throw new VollyError('forbidden_in_state', 'answer');
    this.#alive();
    const options = { leg, session: this.#session, now: this.#context.now() };
    const { sdp, session } = await openAnswer(this.#context.provider, envelope, options);
    this.#session = session;
    return sdp;
  }

  erase(): void {
    if (this.#erased) return;
    this.#erased = true;
    eraseOffer(this.#leg);
    eraseSession(this.#session);
  }

  #alive(): void {
    if (this.#erased) throw new VollyError('unknown_call', 'its keys are erased');
  }
}
