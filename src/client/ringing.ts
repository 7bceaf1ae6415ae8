/** Calls that come in: opened, rung, accepted or declined; glare and busy. Methods named `on…` run inside the client's queue. */
import { codeOf, VollyError } from '../errors.ts';
import { type MemberId, memberOf } from '../ids.ts';
import { Link } from '../party/link.ts';
import { Runner } from '../party/runner.ts';
import { NO_OFFERS } from '../party/runner-owner.ts';
import { glare, receiveCall } from '../protocol/call.ts';
import { checkSender, readOpening } from '../protocol/check.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { type Offer, openOffer } from '../protocol/offer.ts';
import type { Guard } from '../protocol/opening.ts';
import { Call } from './call.ts';
import type { CallRegistry } from './call-registry.ts';
import { asSent } from './contacts.ts';
import type { Context } from './context.ts';
import { Incoming } from './incoming.ts';
import type { PeerConnectionLike } from './peer-connection.ts';

type OfferEnvelope = EnvelopeOf<'app.volly.call.offer'>;

export interface RingingOwner {
  readonly guard: Guard;
  /** A second caller hears `busy` at once, instead of ringing beside a call in progress. */
  readonly rejectWhenBusy: boolean;
  onIncoming(incoming: Incoming): void;
  /** A caller proves to hold another identity than the pinned one. */
  onIdentityChanged(member: MemberId): void;
  /** Runs it once the backlog is opened: at once, or after `caught_up`. */
  whenCaughtUp(task: () => Promise<void>): void;
  /** Opens what came before the call. */
  release(id: Offer['callId']): Promise<void>;
}

export class Ringing {
  readonly #context: Context;
  readonly #registry: CallRegistry;
  readonly #owner: RingingOwner;

  constructor(context: Context, registry: CallRegistry, owner: RingingOwner) {
    this.#context = context;
    this.#registry = registry;
    this.#owner = owner;
  }

  /** Throws what `openOffer` does: dropped without an answer (section 12). */
  async onOffer(envelope: OfferEnvelope): Promise<void> {
    const { provider, keys, contacts, verified } = this.#context;
    const known = contacts.known(memberOf(envelope.from));
    const times = { now: this.#context.now(), keyNow: this.#context.keyNow() };
    const options = { device: keys.local(), known, guard: this.#owner.guard, ...times, verified };
    const { offer, leg, session } = await openOffer(provider, envelope, options).catch((error) => {
      if (codeOf(error) === 'identity_changed') this.#noteChanged(envelope);
      throw error;
    });
    const link = new Link(this.#context, leg, session);
    if (this.#registry.early.hasEnded(offer.callId) || this.#registry.runner(offer.callId)) {
      link.erase();
      throw new VollyError('replayed', 'call');
    }
    await contacts.learn(offer.from.member, offer.identity, { identity: asSent(offer.identity) });
    // This version cannot encrypt frames (section 9.2); to answer as if it could would be a lie that its user sees.
    if (offer.policy === 'required') return this.#drop(link, 'frames_unsupported');
    const own = known.pin && this.#registry.callingTo(offer.from.member);
    const winner = own && glare(own.runner.state, envelope.from, offer.callId);
    if (own && winner === 'theirs') await this.#yield(own.runner, own.call, offer, link);
    else if (winner === 'ours') this.#drop(link);
    else if (this.#owner.rejectWhenBusy && this.#registry.busy) this.#drop(link, 'busy');
    else await this.#ring(offer, link);
  }

  /** Only what its own keys vouch for is shown to the user: the pin is checked before the signature. */
  #noteChanged(envelope: OfferEnvelope): void {
    const { provider, contacts, verified } = this.#context;
    const sender = checkSender(provider, readOpening(envelope), { known: {}, now: this.#context.keyNow(), verified });
    contacts.noteChanged(sender.member, sender.rootHash);
    this.#owner.onIdentityChanged(sender.member);
  }

  /** Nothing rings. In a glare that ours won the other side hangs up its own, so it is told nothing. */
  #drop(link: Link, reason?: string): void {
    if (reason !== undefined) {
      const envelope = link.seal({ type: 'reject', reason, all: false });
      this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
    }
    link.erase();
    this.#registry.forget([link.callId]);
  }

  /** Glare: theirs won. Our offers are taken back, and the same peer connection answers, with no more media than it had. */
  async #yield(own: Runner, call: Call, offer: Offer, link: Link): Promise<void> {
    const { state, effects } = receiveCall(offer.callId, link.device);
    const runner: Runner = new Runner(this.#context, state, {
      ...NO_OFFERS,
      apply: (message) => call.apply(message),
      changed: (next) => this.#registry.changed(runner, next),
    });
    runner.add(link);
    // First: what ends now is the exchange, not the call.
    this.#registry.add(runner);
    this.#registry.drive(runner, call);
    await own.dispatch({ kind: 'replaced' });
    await runner.perform(effects);
    void call.media
      .answer(offer.sdp)
      .then((sdp) => this.#context.queue.run(() => runner.dispatch({ kind: 'accept' }, { sdp })))
      .catch((error) => {
        this.#context.refused(error, 'glare');
        call.fail('bad_sdp');
      });
    await this.#owner.release(offer.callId);
  }

  async #ring(offer: Offer, link: Link): Promise<void> {
    const contact = this.#context.contacts.get(offer.from.member);
    const about = { known: contact.known.pin !== undefined, verified: contact.verified };
    const incoming: Incoming = new Incoming(offer, about, {
      accept: (pc) => this.#accept(runner, incoming, offer, pc),
      reject: (reason, all) => this.#context.queue.run(() => runner.dispatch({ kind: 'reject', reason, all })),
    });
    const begin = receiveCall(offer.callId, link.device);
    const runner: Runner = new Runner(this.#context, begin.state, {
      ...NO_OFFERS,
      apply: (message) => this.#registry.call(runner)?.apply(message),
      changed: (state) => this.#registry.changed(runner, state, incoming),
    });
    runner.add(link);
    this.#registry.add(runner);
    // A hangup that overtook its offer stops the ring before it starts, and so does one further back in the backlog.
    await this.#owner.release(offer.callId);
    this.#owner.whenCaughtUp(async () => {
      if (runner.state.phase !== 'ringing') return;
      if (this.#context.now() >= offer.expires) await runner.dispatch({ kind: 'timer', timer: 'ring' });
      else {
        await runner.perform(begin.effects);
        this.#owner.onIncoming(incoming);
      }
    });
  }

  async #accept(runner: Runner, incoming: Incoming, offer: Offer, pc: PeerConnectionLike): Promise<Call> {
    const { queue, contacts } = this.#context;
    const requireRinging = () => {
      if (runner.state.phase !== 'ringing') throw new VollyError(incoming.end ? 'unknown_call' : 'forbidden_in_state', 'accept');
    };
    requireRinging();
    const call = new Call({ context: this.#context, peer: incoming.from, pc, endToEnd: incoming.endToEnd });
    try {
      // Outside the queue: a hangup may come while the peer connection works.
      const sdp = await call.media.answer(offer.sdp);
      await queue.run(async () => {
        requireRinging();
        await contacts.pin(incoming.from, offer.identity);
        await contacts.learn(incoming.from, offer.identity, { identity: asSent(offer.identity) });
        this.#registry.drive(runner, call);
        await runner.dispatch({ kind: 'accept' }, { sdp });
      });
      return call;
    } catch (error) {
      if (this.#registry.call(runner) === call) await queue.run(() => runner.dispatch({ kind: 'fail', reason: 'bad_sdp' }));
      call.finish({ reason: codeOf(error) ?? 'bad_sdp', by: 'itself' });
      throw error;
    }
  }
}
