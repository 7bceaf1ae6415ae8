/** All calls of one legacy member: which envelope and which frame belongs to which. Methods run inside the line's queue. */
import { VollyError } from '../../errors.ts';
import type { CallId, DeviceAddress, EnvelopeId, MemberId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { EarlyMessages } from '../../party/early.ts';
import { type CallEnvelope, openInto } from '../../party/open.ts';
import type { Runner } from '../../party/runner.ts';
import type { CallState } from '../../protocol/call-state.ts';
import { readHeader } from '../../protocol/header.ts';
import type { App } from './app.ts';
import type { LegacyCall } from './call.ts';
import type { Context } from './context.ts';

export class Calls {
  readonly #context: Context;
  /** Keeps what the next run must tell; the calls that end now are still among those it is asked about. */
  readonly #underWay: (peers: readonly MemberId[]) => Promise<void>;
  readonly #calls = new Set<LegacyCall>();
  readonly #runners = new Map<CallId, Runner>();
  readonly #early: EarlyMessages;

  constructor(context: Context, underWay: (peers: readonly MemberId[]) => Promise<void>) {
    this.#context = context;
    this.#early = new EarlyMessages(context);
    this.#underWay = underWay;
  }

  get full(): boolean {
    return this.#calls.size >= LIMITS.legacyCallsPerMember;
  }

  get all(): readonly LegacyCall[] {
    return [...this.#calls];
  }

  /** One call per (socket, peer): plain frames have no call id. */
  between(app: App, peer: MemberId): LegacyCall | undefined {
    return this.all.find((call) => call.peer === peer && call.apps.has(app));
  }

  knows(id: CallId): boolean {
    return this.#runners.has(id) || this.#early.hasEnded(id);
  }

  add(call: LegacyCall, runner?: Runner): void {
    this.#calls.add(call);
    if (runner) this.route(runner.state.callId, runner);
  }

  /** Messages under this id are this runner's. */
  route(id: CallId, runner: Runner): void {
    this.#runners.set(id, runner);
  }

  /** The apps hear of a call only once it is on disk that they did. */
  async announce(call: LegacyCall): Promise<void> {
    await this.#keep();
    call.announced = true;
    if (call.offer) call.tell({ type: 'offer', peer: call.peer, sdp: call.offer.sdp });
  }

  /** For an app that came while they ring. */
  ringAlso(app: App): void {
    for (const call of this.all) {
      if (!call.offer || !call.rings || call.apps.has(app)) continue;
      call.apps.add(app);
      if (call.announced) app.send({ type: 'offer', peer: call.peer, sdp: call.offer.sdp });
    }
  }

  changed(call: LegacyCall, runner: Runner, state: CallState): void {
    call.changed(state);
    if (state.end) this.forget(runner.callIds);
  }

  remove(call: LegacyCall): void {
    this.#calls.delete(call);
    void this.#keep();
  }

  forget(ids: readonly CallId[]): void {
    for (const id of ids) this.#runners.delete(id);
    this.#early.end(ids);
  }

  /** `keep` = not to be taken out of the mailbox, before `taken`: see EarlyMessages. Throws for what is refused. */
  async onMessage(envelope: CallEnvelope, taken: () => void): Promise<'done' | 'keep'> {
    const { callId } = readHeader(envelope).header;
    if (this.#early.hasEnded(callId)) throw new VollyError('unknown_call', 'it ended');
    const runner = this.#runners.get(callId);
    if (runner && (await openInto({ runner, callId }, envelope))) {
      await this.release(callId);
      return 'done';
    }
    return this.#early.hold(callId, { envelope, taken }, runner !== undefined);
  }

  /** What came before its call or its epoch, in order; what is still too early goes back. */
  release(callId: CallId): Promise<void> {
    return this.#early.release(callId, ({ envelope, taken }) => this.onMessage(envelope, taken));
  }

  /** To whom an offer of ours went, and who waits for a word of it. */
  offered(id: EnvelopeId): { readonly device: DeviceAddress; readonly runner: Runner } | undefined {
    for (const runner of this.#runners.values()) {
      const device = runner.addressee(id);
      if (device) return { device, runner };
    }
    return undefined;
  }

  /** A disk that fails costs a hangup after the next restart, not a call now. */
  #keep(): Promise<void> {
    const peers = new Set(this.all.map((call) => call.peer));
    return this.#underWay([...peers]).catch((error) => this.#context.refused(error, 'under way'));
  }
}
