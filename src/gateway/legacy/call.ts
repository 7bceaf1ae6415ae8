/**
 * A call as legacy apps see it: frames without a call id, so a call belongs to a peer and the sockets that may speak for it: all that it
 * rings on, then the one that answered. The state machine behind it is a Runner's. PROTOCOL.md section 16.
 */
import type { MemberId } from '../../ids.ts';
import type { Runner } from '../../party/runner.ts';
import type { Applied } from '../../party/runner-owner.ts';
import type { CallState } from '../../protocol/call-state.ts';
import type { Candidate } from '../../protocol/candidate.ts';
import type { Offer } from '../../protocol/offer.ts';
import type { RekeyRequest } from '../../protocol/session-messages.ts';
import type { App } from './app.ts';
import { Candidates } from './candidates.ts';
import type { Context } from './context.ts';
import type { BridgeFrame } from './frames.ts';

export interface LegacyCallOptions {
  readonly peer: MemberId;
  readonly apps: Iterable<App>;
  /** What rings; left out where the app calls. */
  readonly offer?: Offer;
  readonly onEnd: (call: LegacyCall) => void;
}

export class LegacyCall {
  readonly peer: MemberId;
  readonly apps: Set<App>;
  readonly offer: Offer | undefined;
  /** Its apps know of it. */
  announced = false;
  /** Undefined while the peer's keys are being fetched. */
  runner: Runner | undefined;
  /** New keys that the peer's negotiate asked for: the app's answer brings them. */
  request: RekeyRequest | undefined;
  readonly #context: Context;
  readonly #onEnd: (call: LegacyCall) => void;
  readonly #candidates: Candidates;
  #over = false;

  constructor(context: Context, { peer, apps, offer, onEnd }: LegacyCallOptions) {
    this.#context = context;
    this.peer = peer;
    this.apps = new Set(apps);
    this.offer = offer;
    this.#onEnd = onEnd;
    this.#candidates = new Candidates(context.clock, (candidates) => {
      void context.run('candidates', () => this.runner?.message({ type: 'candidates', candidates }));
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** It waits for somebody's answer here. */
  get rings(): boolean {
    return this.runner?.state.phase === 'ringing';
  }

  tell(frame: BridgeFrame): void {
    for (const app of this.apps) app.send(frame);
  }

  async hangUp(reason: string): Promise<void> {
    if (this.runner) await this.runner.dispatch({ kind: 'hangup', reason });
    else this.end(reason);
  }

  /** Of an app. One that does not pass the grammar is left out, and the call goes on without it. */
  candidate(candidate: Candidate): void {
    try {
      this.#candidates.add(candidate);
    } catch (error) {
      this.#context.refused(error, 'candidate');
    }
  }

  /** For the runner. */
  apply(message: Applied): void {
    const { peer } = this;
    if (message.type === 'answer') this.tell({ type: 'answer', peer, sdp: message.sdp });
    else if (message.type === 'candidates')
      for (const candidate of message.candidates) this.tell({ type: 'candidate', peer, candidate });
    else if (message.type === 'negotiate') {
      if (message.description === 'offer') this.request = message.rekey;
      this.tell({ type: message.description, peer, sdp: message.sdp });
    }
  }

  /** For the runner. */
  changed({ phase, end }: CallState): void {
    if (end) this.end(end.reason);
    if (phase === 'answered' || phase === 'active') this.#candidates.open();
    if (phase !== 'active') return;
    // Only the app sees its ICE, and hangs up when that fails (section 16.3).
    void this.#context.run('ice', () => this.runner?.dispatch({ kind: 'ice', connected: 'unseen' }));
  }

  /** Its apps hear why, those that know of it and have not left it. */
  end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#candidates.stop();
    if (!this.offer || this.announced) this.tell({ type: 'hangup', peer: this.peer, reason });
    this.#onEnd(this);
  }
}
