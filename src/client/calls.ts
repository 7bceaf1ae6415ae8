/**
 * All calls of this device: starts them, takes incoming ones, and brings each envelope to the call it belongs to. What happens in a call
 * is its state machine's business. Methods named `on…` run inside the client's queue.
 */
import { equal } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { type CallId, type DeviceAddress, type MemberId, memberOf, newCallId } from '../ids.ts';
import type { Peer } from '../protocol/bundle.ts';
import { glare, receiveCall, startCall } from '../protocol/call.ts';
import { type EndedCalls, hasEnded, markEnded } from '../protocol/call-ended.ts';
import { expireHeld, type Held, hold, release } from '../protocol/call-held.ts';
import type { CallState } from '../protocol/call-state.ts';
import { checkSender, readOpening } from '../protocol/check.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { addressOf, readHeader } from '../protocol/header.ts';
import { encodeIdentity, type Identity } from '../protocol/identity.ts';
import { type Offer, openOffer, sealOffer } from '../protocol/offer.ts';
import type { Guard } from '../protocol/opening.ts';
import type { MessageEnvelope } from '../protocol/session-messages.ts';
import { Call } from './call.ts';
import { type Context, codeOf } from './context.ts';
import type { Directory } from './directory.ts';
import { Incoming } from './incoming.ts';
import { Link } from './link.ts';
import type { PeerConnectionLike } from './peer-connection.ts';
import { Runner, type RunnerOwner } from './runner.ts';

export type CallEnvelope = MessageEnvelope | EnvelopeOf<'app.volly.call.answer'>;
type OfferEnvelope = EnvelopeOf<'app.volly.call.offer'>;

export interface CallsOwner {
  readonly directory: Directory;
  readonly guard: Guard;
  /** A second caller hears `busy` at once, instead of ringing beside a call in progress. */
  readonly rejectWhenBusy: boolean;
  onIncoming(incoming: Incoming): void;
  /** A caller proves to hold another identity than the pinned one. */
  onIdentityChanged(member: MemberId): void;
  /** Runs it once the backlog is opened: at once, or after `caught_up`. */
  whenCaughtUp(task: () => Promise<void>): void;
}

export class Calls {
  readonly #context: Context;
  readonly #owner: CallsOwner;
  readonly #runners = new Map<CallId, Runner>();
  /** Calls of both directions that this user is in. */
  readonly #calls = new Map<Runner, Call>();
  #held: Held<CallEnvelope> = new Map();
  #ended: EndedCalls = new Map();

  constructor(context: Context, owner: CallsOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  /** Pins the member: the user calls. `peers` are its devices, of one identity. */
  async start(member: MemberId, peers: readonly Peer[], pc: PeerConnectionLike): Promise<Call> {
    const { queue, contacts, random } = this.#context;
    const identity = (peers[0] as Peer).identity;
    const call = new Call({ context: this.#context, peer: member, pc, endToEnd: identity.kind === 'enhanced' });
    try {
      const sdp = await call.media.offer();
      await queue.run(async () => {
        await contacts.pin(member, identity);
        const devices = new Map(peers.map((peer) => [addressOf(peer.target), peer]));
        const { state, effects } = startCall(newCallId(random), [...devices.keys()]);
        const runner = new Runner(
          this.#context,
          state,
          this.#callerOwner(() => runner, call, devices, sdp),
        );
        this.#register(runner, call);
        await runner.perform(effects);
      });
      return call;
    } catch (error) {
      call.finish({ reason: codeOf(error) ?? 'bad_sdp', by: 'itself' });
      throw error;
    }
  }

  #callerOwner(self: () => Runner, call: Call, devices: Map<DeviceAddress, Peer>, sdp: string): RunnerOwner {
    const { provider, random, keys, contacts } = this.#context;
    return {
      ...this.#callOwner(self, call),
      makeOffer: async (device, callId) => {
        const peer = devices.get(device) as Peer;
        const local = keys.local();
        const confirmed = contacts.hasConfirmed(call.peer, peer.target.dikHash, local.listVersion);
        const identity = confirmed ? {} : { identity: keys.identity() };
        const now = this.#context.now();
        const made = await sealOffer(provider, random, { device: local, peer, callId, sdp, policy: 'none', now, ...identity });
        this.#runners.set(callId, self());
        return { envelope: made.envelope, link: new Link(this.#context, made.leg, made.session) };
      },
      refetch: (device) => void this.#refetch(self(), call, device, devices),
    };
  }

  /** No `ringing` in 5 s: whether the device has a newer prekey than the one its offer was sealed to. */
  async #refetch(runner: Runner, call: Call, device: DeviceAddress, devices: Map<DeviceAddress, Peer>): Promise<void> {
    const peers = await this.#owner.directory.fetch(call.peer, { allowLegacy: !call.endToEnd }).catch(() => []);
    const newer = peers.find(({ target, prekey, identity }) => {
      const old = devices.get(device) as Peer;
      return addressOf(target) === device && equal(identity.rootHash, old.identity.rootHash) && prekey.epoch > old.prekey.epoch;
    });
    if (newer) devices.set(device, newer);
    const callId = newer && { callId: newCallId(this.#context.random) };
    await this.#context.queue.run(() => runner.dispatch({ kind: 'refetched', device, ...callId }));
  }

  /** Throws what `openOffer` does: dropped without an answer (section 12). */
  async onOffer(envelope: OfferEnvelope): Promise<void> {
    const { provider, keys, contacts, verified, clock } = this.#context;
    const known = contacts.known(memberOf(envelope.from));
    const { guard } = this.#owner;
    const options = { device: keys.local(), known, guard, now: this.#context.now(), verified };
    const { offer, leg, session } = await openOffer(provider, envelope, options).catch((error) => {
      if (codeOf(error) === 'identity_changed') this.#noteChanged(envelope);
      throw error;
    });
    const link = new Link(this.#context, leg, session);
    if (hasEnded(this.#ended, offer.callId, clock.monotonic()) || this.#runners.has(offer.callId)) {
      link.erase();
      throw new VollyError('replayed', 'call');
    }
    await contacts.learn(offer.from.member, offer.identity, { identity: encoded(offer.identity) });
    const own = [...this.#calls].find(([runner, call]) => call.peer === offer.from.member && runner.state.phase === 'calling');
    const winner = own && known.pin ? glare(own[0].state, envelope.from, offer.callId) : undefined;
    if (own && winner === 'theirs') return this.#yield(own[0], own[1], offer, link);
    if (winner === 'ours' || (this.#owner.rejectWhenBusy && this.#calls.size > 0)) return this.#decline(link, winner === 'ours');
    return this.#ring(offer, link);
  }

  /** Only what its own keys vouch for is shown to the user: the pin is checked before the signature. */
  #noteChanged(envelope: OfferEnvelope): void {
    const { provider, contacts, verified } = this.#context;
    const sender = checkSender(provider, readOpening(envelope), { known: {}, now: this.#context.now(), verified });
    contacts.noteChanged(sender.member, sender.rootHash);
    this.#owner.onIdentityChanged(sender.member);
  }

  /** Glare: ours won, the other side hangs up its own. Busy: the caller is told, and nothing rings. */
  #decline(link: Link, silently: boolean): void {
    if (!silently) {
      const envelope = link.seal({ type: 'reject', reason: 'busy', all: false });
      this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
    }
    link.erase();
    this.#forget([link.callId]);
  }

  /** Glare: theirs won. Our offers are taken back, and the same peer connection answers, with no more media than it had. */
  async #yield(own: Runner, call: Call, offer: Offer, link: Link): Promise<void> {
    const { state, effects } = receiveCall(offer.callId, link.device, offer.expires - this.#context.now());
    const runner = new Runner(
      this.#context,
      state,
      this.#callOwner(() => runner, call),
    );
    runner.add(link);
    // First: what ends now is the exchange, not the call.
    this.#register(runner, call);
    await own.dispatch({ kind: 'replaced' });
    await runner.perform(effects);
    void call.media
      .answer(offer.sdp)
      .then((sdp) => this.#context.queue.run(() => runner.dispatch({ kind: 'accept' }, { sdp })))
      .catch((error) => {
        this.#context.refused(error, 'glare');
        call.fail('bad_sdp');
      });
    await this.#release(offer.callId);
  }

  async #ring(offer: Offer, link: Link): Promise<void> {
    const { contacts } = this.#context;
    const contact = contacts.get(offer.from.member);
    const about = { known: contact.known.pin !== undefined, verified: contact.verified };
    const begin = () => receiveCall(offer.callId, link.device, Math.max(0, offer.expires - this.#context.now()));
    const incoming = new Incoming(offer, about, {
      accept: (pc) => this.#accept(runner, incoming, offer, pc),
      reject: (reason, all) => this.#context.queue.run(() => runner.dispatch({ kind: 'reject', reason, all })),
    });
    const owner: RunnerOwner = {
      ...this.#callOwner(() => runner),
      changed: (state) => this.#changed(runner, state, incoming),
      apply: (message) => this.#calls.get(runner)?.apply(message),
    };
    const runner: Runner = new Runner(this.#context, begin().state, owner);
    runner.add(link);
    this.#register(runner);
    // A hangup that overtook its offer stops the ring before it starts, and so does one further back in the backlog.
    await this.#release(offer.callId);
    this.#owner.whenCaughtUp(async () => {
      if (runner.state.phase !== 'ringing') return;
      await runner.perform(begin().effects);
      if (this.#context.now() >= offer.expires) await runner.dispatch({ kind: 'timer', timer: 'ring' });
      else this.#owner.onIncoming(incoming);
    });
  }

  async #accept(runner: Runner, incoming: Incoming, offer: Offer, pc: PeerConnectionLike): Promise<Call> {
    if (runner.state.phase !== 'ringing') throw new VollyError(incoming.end ? 'unknown_call' : 'forbidden_in_state', 'accept');
    const call = new Call({ context: this.#context, peer: incoming.from, pc, endToEnd: incoming.endToEnd });
    try {
      const sdp = await call.media.answer(offer.sdp);
      await this.#context.queue.run(async () => {
        if (runner.state.phase !== 'ringing')
          throw new VollyError(incoming.end ? 'unknown_call' : 'forbidden_in_state', 'accept');
        await this.#context.contacts.pin(incoming.from, offer.identity);
        await this.#context.contacts.learn(incoming.from, offer.identity, { identity: encoded(offer.identity) });
        call.drive(runner);
        this.#calls.set(runner, call);
        await runner.dispatch({ kind: 'accept' }, { sdp });
      });
      return call;
    } catch (error) {
      if (this.#calls.get(runner) === call)
        await this.#context.queue.run(() => runner.dispatch({ kind: 'fail', reason: 'bad_sdp' }));
      call.finish({ reason: codeOf(error) ?? 'bad_sdp', by: 'itself' });
      throw error;
    }
  }

  /** `keep` = there is no room to hold it: not to be acknowledged. Throws for what is refused. */
  async onMessage(envelope: CallEnvelope): Promise<'done' | 'keep'> {
    const { callId } = readHeader(envelope).header;
    const now = this.#context.clock.monotonic();
    if (hasEnded(this.#ended, callId, now)) throw new VollyError('unknown_call', 'it ended');
    const runner = this.#runners.get(callId);
    if (runner && (await this.#open(runner, callId, envelope))) {
      await this.#release(callId);
      return 'done';
    }
    const result = hold(expireHeld(this.#held, now), callId, memberOf(envelope.from), envelope, now);
    if (result.kind === 'held') this.#held = result.held;
    if (result.kind === 'dropped') throw new VollyError('rate_limited', 'early messages');
    return result.kind === 'full' ? 'keep' : 'done';
  }

  /** False where it comes too early. */
  async #open(runner: Runner, callId: CallId, envelope: CallEnvelope): Promise<boolean> {
    const { from } = envelope;
    const link = runner.link(from, callId);
    if (!link) throw new VollyError('unknown_call', 'no leg to this device');
    if (envelope.type === 'app.volly.call.answer') {
      const leg = runner.state.legs.find((one) => one.device === from && one.callId === callId);
      if (runner.state.phase !== 'calling' || leg?.state === 'ended') throw new VollyError('forbidden_in_state', 'answer');
      const sdp = await link.openAnswer(envelope);
      const { dikHash, listVersion } = link.confirms;
      await this.#context.contacts.confirm(memberOf(from), dikHash, listVersion);
      const message = { type: 'answer', sdp } as const;
      await runner.dispatch({ kind: 'received', from, callId, message });
      return true;
    }
    const gap = link.hasGap;
    const received = await link.open(envelope);
    if (received.kind === 'early') return false;
    for (const message of received.messages) await runner.dispatch({ kind: 'received', from, callId, message });
    if (link.hasGap !== gap) await runner.dispatch({ kind: 'gap', open: link.hasGap });
    return true;
  }

  /** What came before its call or its epoch, in order; what is still too early goes back. */
  async #release(callId: CallId): Promise<void> {
    const { held, messages } = release(this.#held, callId);
    this.#held = held;
    for (const envelope of messages) await this.onMessage(envelope).catch((error) => this.#context.refused(error, envelope.type));
  }

  /** A definite word about an envelope: true where it was an offer of ours. */
  async onUndelivered(id: EnvelopeOf<'app.volly.undeliverable'>['envelope'], reason: string): Promise<boolean> {
    for (const runner of new Set(this.#runners.values())) if (await runner.undelivered(id, reason)) return true;
    return false;
  }

  /** To whom an offer of ours went. */
  addressee(id: EnvelopeOf<'app.volly.undeliverable'>['envelope']): DeviceAddress | undefined {
    for (const runner of this.#runners.values()) {
      const device = runner.addressee(id);
      if (device) return device;
    }
    return undefined;
  }

  /** The app closes: every call hears so. */
  async onClose(): Promise<void> {
    for (const runner of this.#calls.keys()) await runner.dispatch({ kind: 'hangup', reason: 'hangup' });
  }

  #callOwner(self: () => Runner, call?: Call): RunnerOwner {
    return {
      makeOffer: () => Promise.reject(new TypeError('a callee makes no offer')),
      refetch: () => {},
      apply: (message) => call?.apply(message),
      changed: (state) => this.#changed(self(), state),
    };
  }

  #changed(runner: Runner, state: CallState, incoming?: Incoming): void {
    const call = this.#calls.get(runner);
    // After a glare the call goes on with another runner; what ended is only the exchange.
    if (call?.isDrivenBy(runner)) call.changed(state);
    if (!state.end) return;
    if (!call) incoming?.finish(state.end);
    this.#calls.delete(runner);
    this.#forget(runner.callIds);
  }

  #register(runner: Runner, call?: Call): void {
    this.#runners.set(runner.state.callId, runner);
    if (!call) return;
    call.drive(runner);
    this.#calls.set(runner, call);
  }

  #forget(ids: readonly CallId[]): void {
    this.#ended = markEnded(this.#ended, ids, this.#context.clock.monotonic());
    for (const id of ids) this.#runners.delete(id);
    for (const id of ids) this.#held = release(this.#held, id).held;
  }
}

/** As it travels, for messages of this device that come without it. */
const encoded = ({ signed, dik, kind, root }: Identity) => encodeIdentity(signed, dik, kind === 'legacy' ? root : undefined);
