/** Which calls there are. Used inside the client's queue. */
import type { CallId, MemberId } from '../ids.ts';
import { EarlyMessages } from '../party/early.ts';
import type { Runner } from '../party/runner.ts';
import type { CallState } from '../protocol/call-state.ts';
import type { Call } from './call.ts';
import type { Context } from './context.ts';
import type { Incoming } from './incoming.ts';

export class CallRegistry {
  /** What came before its call; and which calls have ended. */
  readonly early: EarlyMessages;
  readonly #runners = new Map<CallId, Runner>();
  /** Calls of both directions that this user is in. */
  readonly #calls = new Map<Runner, Call>();

  constructor(context: Context) {
    this.early = new EarlyMessages(context);
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
    for (const id of ids) this.#runners.delete(id);
    this.early.end(ids);
  }
}
