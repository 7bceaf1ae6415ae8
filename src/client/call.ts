/** A call as its person sees it. The state machine behind it is a Runner's; the media go through a Media. */
import type { ErrorCode } from '../errors.ts';
import type { CallId, DeviceAddress, MemberId } from '../ids.ts';
import type { Runner } from '../party/runner.ts';
import type { Applied } from '../party/runner-owner.ts';
import type { Content } from '../party/seal.ts';
import type { CallState, End, Phase, Role } from '../protocol/call-state.ts';
import { requireNegotiable } from '../protocol/call-steps.ts';
import type { Context } from './context.ts';
import { Emitter } from './events.ts';
import { Media } from './media.ts';
import type { PeerConnectionLike } from './peer-connection.ts';
import { epochOf, negotiate } from './renegotiation.ts';

/** How far a call is: its state, and while it is `calling`, what the caller has heard. */
export type Progress = Phase | 'delivered';

/** In this order, each at most once: whatever overtakes what on the way, an app is shown none before the ones above it. */
const HEARD = ['delivered', 'ringing'] as const;

/** What happens to a call. */
export interface CallEvents {
  /** A bridge of the callee's community has the offer: the bridges' word, not the callee's. */
  readonly delivered: [];
  /** A device of the callee rings. */
  readonly ringing: [];
  /** `calling`, `ringing`, `answered`, `active`, `ended`. */
  readonly state: [state: Phase];
  /** The peer connection's `connectionState`, as it changes. */
  readonly connection: [state: string];
  /** Once, with why: a VollyError code or the peer's own word, and whose doing it was. */
  readonly ended: [end: End];
}

/** @internal */
export interface CallOptions {
  readonly context: Context;
  readonly peer: MemberId;
  readonly pc: PeerConnectionLike;
  /** False with a legacy peer: sealed to its community's server (PROTOCOL.md section 16). Show it. */
  readonly endToEnd: boolean;
}

/** A call that this device made or accepted. PROTOCOL.md section 11. */
export class Call extends Emitter<CallEvents> {
  /** The other member. */
  readonly peer: MemberId;
  /** False with a legacy peer: sealed to its community's server (PROTOCOL.md section 16). Show it. */
  readonly endToEnd: boolean;
  /** The call's own from `call` or `accept` on; it closes it when it ends. */
  readonly pc: PeerConnectionLike;
  /** @internal For calls.ts. */
  readonly media: Media;
  readonly #context: Context;
  #runner: Runner | undefined;
  #state: Phase = 'calling';
  #end: End | undefined;
  /** How many of HEARD. */
  #heard = 0;

  /** @internal */
  constructor({ context, peer, pc, endToEnd }: CallOptions) {
    super();
    this.#context = context;
    this.peer = peer;
    this.endToEnd = endToEnd;
    this.pc = pc;
    this.media = new Media(pc, context.clock, {
      onCandidates: (candidates) => void this.#run((runner) => runner.message({ type: 'candidates', candidates })),
      beforeOffer: () => {
        if (this.#runner) requireNegotiable(this.#runner.state);
      },
      onOffer: (sdp, rekey) => this.#negotiate('offer', { sdp, rekey }),
      onIce: (connected) => void this.#run((runner) => runner.dispatch({ kind: 'ice', connected })),
      onConnection: (state) => this.emit('connection', state),
      onRefused: (error) => context.refused(error, 'app.volly.call.negotiate'),
      onFault: (reason) => this.fail(reason),
    });
  }

  /** Where the call stands. The caller's goes from `calling` to `active`, the callee's from `answered` to it; both end. */
  get state(): Phase {
    return this.#state;
  }

  /** `calling`, `delivered`, `ringing`, `active`, `ended` for the caller. */
  get progress(): Progress {
    return this.#state === 'calling' ? (HEARD[this.#heard - 1] ?? 'calling') : this.#state;
  }

  /** Which side this device is; undefined before the first offer is on its way. */
  get role(): Role | undefined {
    return this.#runner?.state.role;
  }

  /** 128 random bits in base64url, for logs; undefined before the first offer is on its way. Another one may take its place when both call at once. */
  get id(): CallId | undefined {
    return this.#runner?.state.callId;
  }

  /** The other side's device, once one has answered. */
  get device(): DeviceAddress | undefined {
    return this.#runner?.state.peer;
  }

  /** How often the call's keys were made anew: 1 from the answer on, one more with each ICE restart. */
  get epoch(): number {
    return this.#runner ? epochOf(this.#runner) : 0;
  }

  /** Why it is over; undefined as long as it is not. */
  get end(): End | undefined {
    return this.#end;
  }

  /** Ends the call; a second time it does nothing. `reason` is `[a-z_]{1,40}` and reaches the other side. */
  async hangUp(reason = 'hangup'): Promise<void> {
    if (this.#runner) await this.#run((runner) => runner.dispatch({ kind: 'hangup', reason }));
    else this.finish({ reason, by: 'local' });
  }

  /**
   * New ICE credentials and, with them, new keys. While the call is not active it does nothing. Throws `signalling_lost` where messages of
   * this call were lost for good, though its media flow: the other side's answer could not be applied.
   */
  restartIce(): Promise<void> {
    return this.media.restartIce();
  }

  /** Resolves when the call is over. */
  async whenEnded(): Promise<End> {
    return this.#end ?? (await this.once('ended'))[0];
  }

  // What follows is for calls.ts, inside the queue.

  /** @internal In a glare a call goes on under the other side's id: then a second runner takes over. */
  drive(runner: Runner): void {
    this.#runner = runner;
  }

  /** @internal */
  isDrivenBy(runner: Runner): boolean {
    return this.#runner === runner;
  }

  /** @internal */
  changed(state: CallState): void {
    if (this.#end || state.phase === this.#state) return;
    if (state.end) {
      this.finish(state.end);
      return;
    }
    if (state.role === 'caller') this.heard('ringing');
    this.#state = state.phase;
    // The callee's candidates go from its answer on, the caller's after select (section 9.4).
    if (state.phase === 'answered' || state.phase === 'active') this.media.open();
    this.emit('state', state.phase);
  }

  /** @internal */
  apply(message: Applied): void {
    if (message.type === 'ringing') this.heard('ringing');
    else if (message.type === 'candidates') this.#guard(this.media.addCandidates(message.candidates));
    else if (message.type === 'answer') this.#guard(this.media.takeAnswer(message.sdp));
    else if (message.type === 'negotiate' && message.description === 'answer') this.#guard(this.media.takeAnswer(message.sdp));
    else if (message.type === 'negotiate') {
      const request = message.rekey && { request: message.rekey };
      this.#guard(this.media.answer(message.sdp).then((sdp) => this.#negotiate('answer', { sdp, ...request })));
    }
  }

  /** @internal That it rings says that it was delivered, and an answer says both. */
  heard(what: (typeof HEARD)[number]): void {
    while (this.#state === 'calling' && this.#heard <= HEARD.indexOf(what)) this.emit(HEARD[this.#heard++] as typeof what);
  }

  /** @internal */
  fail(reason: ErrorCode): void {
    void this.#run((runner) => runner.dispatch({ kind: 'fail', reason }));
  }

  /** @internal */
  finish(end: End): void {
    if (this.#end) return;
    this.#end = end;
    this.#state = 'ended';
    this.media.close();
    this.emit('state', 'ended');
    this.emit('ended', end);
  }

  /** What the peer connection refuses ends the call: the two sides would go on with different descriptions. */
  #guard(work: Promise<unknown>): void {
    work.catch((error) => {
      if (this.#end) return;
      this.#context.refused(error, 'media');
      this.fail('bad_sdp');
    });
  }

  /** False where the state machine does not allow it now; what cannot be sealed throws. */
  async #negotiate(description: 'offer' | 'answer', content: Content): Promise<boolean> {
    const runner = this.#runner;
    if (!runner || this.#end) return false;
    return this.#context.queue.run(() => negotiate(runner, description, content));
  }

  #run(task: (runner: Runner) => Promise<void> | void): Promise<void> {
    const runner = this.#runner;
    return runner ? this.#context.queue.run(() => task(runner)) : Promise.resolve();
  }
}
