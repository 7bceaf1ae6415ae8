/**
 * Drives one call's state machine: reduces events, performs their effects in order, keeps its timers. Everything here runs inside the
 * client's queue, so a step is over before the next begins. What a person sees of a call is call.ts.
 */
import { VollyError } from '../errors.ts';
import type { CallId, DeviceAddress, EnvelopeId } from '../ids.ts';
import { reduce } from '../protocol/call.ts';
import type { CallEvent, CallState, Effect, Outgoing, Timer } from '../protocol/call-state.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Incoming as Message, RekeyRequest } from '../protocol/session-messages.ts';
import { type Context, codeOf } from './context.ts';
import type { Link } from './link.ts';

/** The SDP that an `accept` or `negotiate` event is about; the state machine does not look at it. */
export interface Content {
  readonly sdp: string;
  /** Ours: an ICE restart asks for new keys. */
  readonly rekey?: boolean;
  /** Theirs: the reply brings them. */
  readonly request?: RekeyRequest;
}

/** An answer is no session message, but travels to the peer connection as they do. */
export type Applied = Message | { readonly type: 'answer'; readonly sdp: string };

export interface RunnerOwner {
  /** Makes the leg's keys and its offer. Throws what `sealOffer` throws. */
  makeOffer(device: DeviceAddress, callId: CallId): Promise<{ readonly envelope: Envelope; readonly link: Link }>;
  /** Fetches the device's bundle again and reports with a `refetched` event. */
  refetch(device: DeviceAddress): void;
  apply(message: Applied): void;
  changed(state: CallState): void;
}

export class Runner {
  readonly #context: Context;
  readonly #owner: RunnerOwner;
  readonly #links = new Map<string, Link>();
  readonly #timers = new Map<Timer, () => void>();
  /** Offers that are out: what an `undeliverable` may name. */
  readonly #offers = new Map<EnvelopeId, { readonly device: DeviceAddress; readonly callId: CallId }>();
  #state: CallState;

  constructor(context: Context, state: CallState, owner: RunnerOwner) {
    this.#context = context;
    this.#state = state;
    this.#owner = owner;
  }

  get state(): CallState {
    return this.#state;
  }

  /** All ids under which messages of this call come. */
  get callIds(): readonly CallId[] {
    return [...new Set([this.#state.callId, ...this.#state.legs.map((leg) => leg.callId)])];
  }

  add(link: Link): void {
    this.#links.set(`${link.device} ${link.callId}`, link);
  }

  link(device: DeviceAddress, callId: CallId): Link | undefined {
    return this.#links.get(`${device} ${callId}`);
  }

  /** Throws `forbidden_in_state` for a wish of this device that the state does not allow, and what sealing it throws. */
  async dispatch(event: CallEvent, content?: Content): Promise<void> {
    const { state, effects } = reduce(this.#state, event);
    this.#state = state;
    await this.perform(effects, content);
  }

  async perform(effects: readonly Effect[], content?: Content): Promise<void> {
    for (const effect of effects) await this.#perform(effect, content);
  }

  /** The selected leg's key epoch. */
  get epoch(): number {
    const leg = this.#state.legs.find((one) => one.device === this.#state.peer);
    return (leg && this.link(leg.device, leg.callId)?.epoch) ?? 0;
  }

  /** False where the state does not allow it now; throws what sealing it throws. */
  async negotiate(description: 'offer' | 'answer', content: Content): Promise<boolean> {
    try {
      await this.dispatch({ kind: 'negotiate', description }, content);
      return true;
    } catch (error) {
      if (codeOf(error) === 'forbidden_in_state') return false;
      throw error;
    }
  }

  /** A message that the state machine has no say in: candidates, from the answer on. */
  message(message: Message & { readonly type: 'candidates' }): void {
    const { phase, legs, peer } = this.#state;
    const leg = legs.find((one) => one.device === peer && one.state !== 'ended');
    const link = leg && this.link(leg.device, leg.callId);
    if (!link || (phase !== 'answered' && phase !== 'active')) return;
    try {
      this.#post(link.seal(message));
    } catch (error) {
      this.#context.refused(error, 'app.volly.call.candidates');
    }
  }

  /** The device that an offer of ours is on its way to. */
  addressee(id: EnvelopeId): DeviceAddress | undefined {
    return this.#offers.get(id)?.device;
  }

  /** A definite word that an envelope did not arrive. */
  async undelivered(id: EnvelopeId, reason: string): Promise<boolean> {
    const offer = this.#offers.get(id);
    if (!offer) return false;
    this.#offers.delete(id);
    await this.dispatch({ kind: 'leg_failed', ...offer, reason });
    return true;
  }

  async #perform(effect: Effect, content: Content | undefined): Promise<void> {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect, content);
      case 'refetch':
        return this.#owner.refetch(effect.device);
      case 'set_timer':
        return this.#setTimer(effect.timer, effect.ms);
      case 'cancel_timer':
        this.#timers.get(effect.timer)?.();
        this.#timers.delete(effect.timer);
        return;
      case 'cancel_timers':
        for (const cancel of this.#timers.values()) cancel();
        this.#timers.clear();
        return;
      case 'erase':
        return this.link(effect.device, effect.callId)?.erase();
      case 'apply':
        return this.#owner.apply(effect.message as Applied);
      case 'changed':
        return this.#owner.changed(this.#state);
      case 'refused':
        return this.#context.refused(new VollyError(effect.code, effect.type), `app.volly.call.${effect.type}`);
    }
  }

  #setTimer(timer: Timer, ms: number): void {
    this.#timers.get(timer)?.();
    const fire = () => void this.#context.queue.run(() => this.dispatch({ kind: 'timer', timer }));
    this.#timers.set(timer, this.#context.clock.after(ms, fire));
  }

  async #send({ device, callId, message }: Effect & { kind: 'send' }, content: Content | undefined): Promise<void> {
    const type = `app.volly.call.${message.type}`;
    if (message.type === 'offer') return this.#offer(device, callId);
    const link = this.link(device, callId);
    if (!link) return this.#context.refused(new VollyError('unknown_call', 'no keys'), type);
    let envelope: Envelope;
    try {
      envelope = await seal(link, message, content);
    } catch (error) {
      // The user's own description does not pass, or the epoch moved on: whoever asked for it hears so. A farewell is only counted.
      if (message.type === 'answer' || message.type === 'negotiate') throw error;
      return this.#context.refused(error, type);
    }
    this.#post(envelope);
  }

  /** Not awaited: an app that is offline still goes on, and the state machine's timers end what nobody hears. */
  #post(envelope: Envelope): void {
    this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
  }

  async #offer(device: DeviceAddress, callId: CallId): Promise<void> {
    const failed = (error: unknown) => {
      this.#context.refused(error, 'app.volly.call.offer');
      void this.#context.queue.run(() =>
        this.dispatch({ kind: 'leg_failed', device, callId, reason: codeOf(error) ?? 'bad_encoding' }),
      );
    };
    try {
      const { envelope, link } = await this.#owner.makeOffer(device, callId);
      this.add(link);
      this.#offers.set(envelope.id, { device, callId });
      this.#context.send(envelope).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function seal(
  link: Link,
  message: Exclude<Outgoing, { type: 'offer' }>,
  content: Content | undefined,
): Promise<Envelope> | Envelope {
  switch (message.type) {
    case 'answer':
      return link.sealAnswer(sdpOf(content));
    case 'negotiate': {
      const sdp = sdpOf(content);
      if (message.description === 'offer')
        return link.seal({ ...message, description: 'offer', sdp, rekey: content?.rekey === true });
      if (content?.request) return link.sealRekey(sdp, content.request);
      return link.seal({ ...message, description: 'answer', sdp });
    }
    case 'reject':
    case 'hangup':
      return link.seal(message);
    default:
      return link.seal(message as { type: 'ringing' | 'heartbeat' | 'select_answer' });
  }
}

function sdpOf(content: Content | undefined): string {
  if (!content) throw new TypeError('a description without its SDP');
  return content.sdp;
}
