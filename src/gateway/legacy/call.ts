/**
 * A call as legacy apps see it: frames without a call id, so a call belongs to a peer and the sockets that may speak for it: all that it
 * rings on, then the one that answered. The state machine behind it is a Runner's. PROTOCOL.md section 16.
 */
import { VollyError } from '../../errors.ts';
import type { MemberId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { CallEvent, CallState, End } from '../../protocol/call-state.ts';
import { type Candidate, checkCandidate } from '../../protocol/candidate.ts';
import type { Offer } from '../../protocol/offer.ts';
import type { RekeyRequest } from '../../protocol/session-messages.ts';
import type { App } from './app.ts';
import { type Context, codeOf } from './context.ts';
import type { BridgeFrame } from './frames.ts';
import type { Applied, Runner } from './runner.ts';
import { splitSdp } from './sdp.ts';
import type { Content } from './seal.ts';

/** Of an app that finds candidates before the call is selected: several interfaces, address families and servers. */
const MAX_WAITING = 256;

export class LegacyCall {
  readonly peer: MemberId;
  readonly apps: Set<App>;
  /** What rings; undefined where the app called. */
  readonly offer: Offer | undefined;
  /** Its apps were told that it rings. */
  announced = false;
  readonly #context: Context;
  readonly #onEnd: (call: LegacyCall) => void;
  #runner: Runner | undefined;
  #waiting: Candidate[] = [];
  /** Candidates may leave: the callee has answered, the caller selected (section 9.4). */
  #open = false;
  #batching: (() => void) | undefined;
  /** New keys that the peer's negotiate asked for: the app's answer brings them. */
  #request: RekeyRequest | undefined;
  #over = false;

  constructor(
    context: Context,
    options: { peer: MemberId; apps: Iterable<App>; offer?: Offer; onEnd: (call: LegacyCall) => void },
  ) {
    this.#context = context;
    this.peer = options.peer;
    this.apps = new Set(options.apps);
    this.offer = options.offer;
    this.#onEnd = options.onEnd;
  }

  /** Undefined while the peer's keys are being fetched. */
  get runner(): Runner | undefined {
    return this.#runner;
  }

  get over(): boolean {
    return this.#over;
  }

  drive(runner: Runner): void {
    this.#runner = runner;
  }

  tell(frame: BridgeFrame): void {
    for (const app of this.apps) app.send(frame);
  }

  /** It waits for somebody's answer here. */
  get rings(): boolean {
    return this.#runner?.state.phase === 'ringing';
  }

  /** This app answers, and so has the call: its other apps stop ringing. The user's answer pins the caller (section 5.4). */
  async accept(app: App, full: string): Promise<void> {
    const { peer, offer } = this;
    if (!offer || !this.#runner) throw new VollyError('forbidden_in_state', 'accept');
    this.apps.delete(app);
    this.tell({ type: 'hangup', peer, reason: 'answered_elsewhere' });
    this.apps.clear();
    this.apps.add(app);
    await this.#context.peers.pin(peer, offer.identity);
    await this.#context.peers.learn(peer, offer.identity, { beside: true });
    await this.#describe({ kind: 'accept' }, { sdp: this.take(full) });
  }

  /** Takes an app's description apart; its candidates wait for their time. */
  take(full: string): string {
    const { sdp, candidates } = splitSdp(full);
    for (const candidate of candidates) this.candidate(candidate);
    return sdp;
  }

  /** One that does not pass the grammar is left out: the call goes on without it. */
  candidate(candidate: Candidate): void {
    try {
      checkCandidate(candidate);
      if (this.#waiting.length >= MAX_WAITING) throw new VollyError('overloaded', 'candidates');
      this.#waiting.push(candidate);
      if (this.#open) this.#batch();
    } catch (error) {
      this.#context.refused(error, 'candidate');
    }
  }

  /** The app describes anew. Glare is the state machine's to settle: what it does not allow now is dropped. */
  async negotiate(description: 'offer' | 'answer', full: string): Promise<void> {
    const { sdp, candidates } = splitSdp(full);
    await this.#describe(
      { kind: 'negotiate', description },
      { sdp, request: description === 'answer' ? this.#request : undefined },
    );
    if (description === 'answer') this.#request = undefined;
    for (const candidate of candidates) this.candidate(candidate);
  }

  /** A description that cannot be sealed ends the call: the two sides would go on with different ones. */
  async #describe(event: CallEvent, content: Content): Promise<void> {
    try {
      await this.#runner?.dispatch(event, content);
    } catch (error) {
      if (codeOf(error) !== 'forbidden_in_state') await this.#runner?.dispatch({ kind: 'fail', reason: 'bad_sdp' });
      throw error;
    }
  }

  apply(message: Applied): void {
    const { peer } = this;
    if (message.type === 'answer') this.tell({ type: 'answer', peer, sdp: message.sdp });
    else if (message.type === 'candidates')
      for (const candidate of message.candidates) this.tell({ type: 'candidate', peer, candidate });
    else if (message.type === 'negotiate') {
      if (message.description === 'offer') this.#request = message.rekey;
      this.tell({ type: message.description, peer, sdp: message.sdp });
    }
  }

  changed({ phase, end }: CallState): void {
    if (end) this.end(end);
    if (phase === 'answered' || phase === 'active') this.#letCandidatesGo();
    if (phase !== 'active') return;
    // Only the app sees its ICE, and hangs up when that fails: silence alone must not end a call whose media flow (section 10).
    void this.#context.run('ice', () => this.#runner?.dispatch({ kind: 'ice', connected: true }));
  }

  /** Its apps hear why, those that were told of it and have not left it. */
  end({ reason }: Pick<End, 'reason'>): void {
    if (this.#over) return;
    this.#over = true;
    this.#batching?.();
    if (!this.offer || this.announced) this.tell({ type: 'hangup', peer: this.peer, reason });
    this.#onEnd(this);
  }

  #letCandidatesGo(): void {
    this.#open = true;
    if (this.#waiting.length > 0) this.#batch();
  }

  #batch(): void {
    this.#batching ??= this.#context.clock.after(LIMITS.candidateBatchMs, () => {
      this.#batching = undefined;
      const all = this.#waiting.splice(0);
      void this.#context.run('candidates', () => {
        for (let at = 0; at < all.length; at += LIMITS.candidatesPerMessage)
          this.#runner?.message({ type: 'candidates', candidates: all.slice(at, at + LIMITS.candidatesPerMessage) });
      });
    });
  }
}
