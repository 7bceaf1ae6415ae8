/**
 * Drives one call's state machine: reduces events, performs their effects in order, keeps its timers. Everything here runs inside the
 * owner's queue, so a step is over before the next begins. What a person or an app sees of a call is its owner's. PROTOCOL.md section 11.
 */
import { codeOf, VollyError } from '../errors.ts';
import type { CallId, DeviceAddress, EnvelopeId } from '../ids.ts';
import { reduce } from '../protocol/call.ts';
import type { CallEvent, CallState, Effect } from '../protocol/call-state.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Incoming as Message } from '../protocol/session-messages.ts';
import type { PartyContext } from './context.ts';
import type { Link } from './link.ts';
import type { Applied, RunnerOwner } from './runner-owner.ts';
import { type Content, seal } from './seal.ts';
import { Timers } from './timers.ts';

export class Runner {
  readonly #context: PartyContext;
  readonly #owner: RunnerOwner;
  readonly #links = new Map<string, Link>();
  readonly #timers: Timers;
  /** Offers that are out: what an `undeliverable` may name. */
  readonly #offers = new Map<EnvelopeId, { readonly device: DeviceAddress; readonly callId: CallId }>();
  #state: CallState;

  constructor(context: PartyContext, state: CallState, owner: RunnerOwner) {
    this.#context = context;
    this.#state = state;
    this.#owner = owner;
    this.#timers = new Timers(context.clock, (timer) => {
      void context.run('timer', () => this.dispatch({ kind: 'timer', timer }));
    });
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

  /** Throws `forbidden_in_state` for a wish of this side that the state does not allow, and what sealing its description throws. */
  async dispatch(event: CallEvent, content?: Content): Promise<void> {
    const { state, effects } = reduce(this.#state, event);
    this.#state = state;
    await this.perform(effects, content);
  }

  async perform(effects: readonly Effect[], content?: Content): Promise<void> {
    for (const effect of effects) await this.#perform(effect, content);
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

  /** A definite word that an envelope did not arrive. False where it was no offer of this call. */
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
        return this.#timers.set(effect.timer, effect.ms);
      case 'cancel_timer':
        return this.#timers.cancel(effect.timer);
      case 'cancel_timers':
        return this.#timers.cancelAll();
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

  async #send({ device, callId, message }: Effect & { kind: 'send' }, content: Content | undefined): Promise<void> {
    const type = `app.volly.call.${message.type}`;
    if (message.type === 'offer') return this.#offer(device, callId);
    const link = this.link(device, callId);
    if (!link) return this.#context.refused(new VollyError('unknown_call', 'no keys'), type);
    let envelope: Envelope;
    try {
      envelope = await seal(link, message, content);
    } catch (error) {
      // The own description does not pass, or the epoch moved on: whoever asked for it hears so. A farewell is only counted.
      if (message.type === 'answer' || message.type === 'negotiate') throw error;
      return this.#context.refused(error, type);
    }
    this.#post(envelope);
  }

  /** Not awaited: a device that is offline still goes on, and the state machine's timers end what nobody hears. */
  #post(envelope: Envelope): void {
    this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
  }

  async #offer(device: DeviceAddress, callId: CallId): Promise<void> {
    const failed = (error: unknown) => {
      this.#context.refused(error, 'app.volly.call.offer');
      const reason = codeOf(error) ?? 'bad_encoding';
      void this.#context.run('offer', () => this.dispatch({ kind: 'leg_failed', device, callId, reason }));
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
