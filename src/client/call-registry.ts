/** Which calls there are, which ended, and what came before its call. Used inside the client's queue. */
import { type CallId, type MemberId, memberOf } from '../ids.ts';
import type { CallEnvelope } from '../party/open.ts';
import type { Runner } from '../party/runner.ts';
import { type EndedCalls, hasEnded, markEnded } from '../protocol/call-ended.ts';
import { expireHeld, type Held, type HoldResult, hold, release } from '../protocol/call-held.ts';
import type { CallState } from '../protocol/call-state.ts';
import type { Call } from './call.ts';
import type { Context } from './context.ts';
import type { Incoming } from './incoming.ts';

export class CallRegistry {
  readonly #context: Context;
  readonly #runners = new Map<CallId, Runner>();
  /** Calls of both directions that this user is in. */
  readonly #calls = new Map<Runner, Call>();
  #held: Held<CallEnvelope> = new Map();
  #ended: EndedCalls = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  get busy(): boolean {
    return this.#calls.size > 0;
  }

  /** Each once; a call may have several ids. */
  runners(): ReadonlySet<Runner> {
    return new Set(this.#runners.values());
  }

  runner(id: CallId): Runner | undefined {
    return this.#runners.get(id);
  }

  call(runner: Runner): Call | undefined {
    return this.#calls.get(runner);
  }

  /** Our call to this member that nobody has answered yet. */
  callingTo(member: MemberId): { readonly runner: Runner; readonly call: Call } | undefined {
    for (const [runner, call] of this.#calls)
      if (call.peer === member && runner.state.phase === 'calling') return { runner, call };
    return undefined;
  }

  hasEnded(id: CallId): boolean {
    return hasEnded(this.#ended, id, this.#context.clock.monotonic());
  }

  add(runner: Runner): void {
    this.addId(runner.state.callId, runner);
  }

  /** A leg was offered anew under another id. */
  addId(id: CallId, runner: Runner): void {
    this.#runners.set(id, runner);
  }

  /** From here on the call is what the runner drives. */
  drive(runner: Runner, call: Call): void {
    call.drive(runner);
    this.#calls.set(runner, call);
  }

  changed(runner: Runner, state: CallState, incoming?: Incoming): void {
    const call = this.#calls.get(runner);
    // After a glare the call goes on with another runner; what ended is only the exchange.
    if (call?.isDrivenBy(runner)) call.changed(state);
    if (!state.end) return;
    if (!call) incoming?.finish(state.end);
    this.#calls.delete(runner);
    this.forget(runner.callIds);
  }

  /** What still comes under these ids is dropped. */
  forget(ids: readonly CallId[]): void {
    this.#ended = markEnded(this.#ended, ids, this.#context.clock.monotonic());
    for (const id of ids) {
      this.#runners.delete(id);
      this.#held = release(this.#held, id).held;
    }
  }

  /** Too early: its call, or its epoch, is not here yet. */
  hold(id: CallId, envelope: CallEnvelope): HoldResult<CallEnvelope>['kind'] {
    const now = this.#context.clock.monotonic();
    const result = hold(expireHeld(this.#held, now), id, memberOf(envelope.from), envelope, now, this.#runners.has(id));
    if (result.kind === 'held') this.#held = result.held;
    return result.kind;
  }

  release(id: CallId): readonly CallEnvelope[] {
    const { held, messages } = release(this.#held, id);
    this.#held = held;
    return messages;
  }
}
