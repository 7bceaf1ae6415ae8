/** The lines of all legacy members that are there, and the apps on them. What server.ts lets in, in process and without a network. */
import { codeOf, VollyError } from '../../errors.ts';
import { deviceAddress, LEGACY_DEVICE, type Localpart } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { Queue } from '../../party/queue.ts';
import { App } from './app.ts';
import { BoundedSet } from './bounded-set.ts';
import type { Context } from './context.ts';
import { type Owner, sinceOf } from './credential.ts';
import type { DeviceKeys } from './keys.ts';
import { Line } from './line.ts';
import type { LegacyOptions } from './options.ts';
import { Peers } from './peers.ts';
import type { TextSocket } from './socket.ts';
import { UnderWay } from './under-way.ts';

/** Verified lists and statements that need no second check: some busy hours' peers. */
const VERIFIED = 1_000;
/** What is left of a shutdown's patience once the sockets are closed. */
const GOODBYE_MS = 2_000;

/** A member whose credential was shown, with all that had to be read for it. */
export interface Guest {
  readonly keys: DeviceKeys;
  /** Peers whose calls with it ended with the run before. */
  readonly left: Awaited<ReturnType<UnderWay['left']>>;
}

export class Lines {
  readonly #options: LegacyOptions;
  readonly #lines = new Map<Localpart, Line>();
  /** With those whose credential was replaced while something still rings on them. */
  readonly #all = new Set<Line>();
  readonly #apps = new Set<App>();
  readonly #underWay: UnderWay;
  readonly #verified = new BoundedSet(VERIFIED);

  constructor(options: LegacyOptions) {
    this.#options = options;
    this.#underWay = new UnderWay(options.facts, options.clock);
  }

  /** Undefined where the credential was replaced meanwhile, or the operator shut the member out. Throws `database`. */
  async receive(owner: Owner): Promise<Guest | undefined> {
    const left = await this.#underWay.left(owner.localpart);
    const keys = await this.#options.keys.of(owner.localpart);
    // The last look: from here on the operator's word ends connections.
    const isActive = (await this.#options.members.active(owner.localpart)) === 'legacy';
    return isActive && keys?.owner.since === owner.since ? { keys, left } : undefined;
  }

  /** The app first hears which calls a restart ended, then what rings. */
  join(socket: TextSocket, { keys, left }: Guest): void {
    const line = this.#lineOf(keys);
    const app: App = new App(socket, this.#options.clock, {
      onFrame: (frame) => line.onFrame(app, frame),
      onPing: () => void this.#checkCredential(line, app),
      onGone: () => {
        this.#apps.delete(app);
        line.leave(app);
      },
    });
    this.#apps.add(app);
    if (line.apps.length >= LIMITS.legacyAppsPerMember) line.apps[0]?.end('replaced');
    for (const peer of left) app.send({ type: 'hangup', peer, reason: 'server_restarted' });
    line.join(app);
  }

  /** Ends a member's calls and connections. Resolves when its peers have been said goodbye, and nothing is written any more. */
  async expel(localpart: Localpart, code: string): Promise<void> {
    const lines = [...this.#all].filter(({ owner }) => owner.localpart === localpart);
    // Who comes back meanwhile gets a line of its own.
    this.#lines.delete(localpart);
    await Promise.all(lines.map((line) => line.expel(code)));
    // A member who comes back is not told that a restart ended them.
    if (lines.length > 0) await this.#underWay.set(localpart, []);
    this.#underWay.forget(localpart);
  }

  /** Hangs up all calls, closes all sockets, and waits for them to go, at most 2 s. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all].map((line) => line.stop()));
    const { clock } = this.#options;
    const end = clock.monotonic() + GOODBYE_MS;
    while (this.#apps.size > 0 && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(20, resolve));
    for (const app of this.#apps) app.destroy();
  }

  /** Something was refused: counted; what is no VollyError is a bug of ours that some input has found. */
  refused(error: unknown, type: string): void {
    const { counters, log } = this.#options;
    counters.count('legacy_refused', { type, code: codeOf(error) ?? 'bug' });
    if (!(error instanceof VollyError)) log.warn('legacy_failure', { where: type, code: String(error).slice(0, 200) });
  }

  #lineOf(keys: DeviceKeys): Line {
    const { localpart } = keys.owner;
    const there = this.#lines.get(localpart);
    if (there?.owner.since === keys.owner.since) return there;
    const { directory, mailbox } = this.#options;
    const line = new Line({
      directory,
      mailbox,
      context: this.#context(keys),
      underWay: (peers) => this.#underWay.set(localpart, peers),
      onIdle: (idle) => {
        this.#all.delete(idle);
        if (this.#lines.get(localpart) === idle) this.#lines.delete(localpart);
      },
    });
    this.#lines.set(localpart, line);
    this.#all.add(line);
    return line;
  }

  #context(keys: DeviceKeys): Context {
    const { provider, random, clock, facts, community, route } = this.#options;
    const queue = new Queue();
    const device = deviceAddress(keys.member, LEGACY_DEVICE);
    const refused = (error: unknown, type: string) => this.refused(error, type);
    return {
      ...{ provider, random, clock, keys, queue, refused, verified: this.#verified },
      now: () => clock.now(),
      keyNow: () => clock.now(),
      peers: new Peers(facts, community, keys.owner),
      run: (what, task) => queue.run(task).catch((error) => refused(error, what)),
      send: async (envelope) => route.route(envelope, { kind: 'device', device }),
    };
  }

  /** One that was replaced ends what came in by it. */
  async #checkCredential(line: Line, app: App): Promise<void> {
    const { localpart, since } = line.owner;
    const now = await sinceOf(this.#options.facts, localpart).catch((error) => {
      this.refused(error, 'credential');
      return since;
    });
    if (now !== since) app.end('not_enrolled');
  }
}
