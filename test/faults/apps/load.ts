/**
 * What the apps of one side do under load. Talkers keep a call each with the other side and say a number every so often, both ways; a call
 * that ends is made anew. Callers set up calls all the time and end them: most are accepted and hung up, some hung up while they ring
 * or before, some declined.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Incoming } from '../../../src/client/incoming.ts';
import type { App, Talk } from './app.ts';

export interface LoadOptions {
  /** Own app → the member it keeps calling. Of a pair only one side names it. */
  readonly talks: Readonly<Record<string, string>>;
  /** Between two numbers of one side of a call, ms; not below the SDK's batch of 100. */
  readonly everyMs: number;
  /** Own apps, and whom they call in turn. */
  readonly callers: readonly string[];
  readonly callees: readonly string[];
  /** Set-ups a second, all callers together. */
  readonly setupsPerSecond: number;
}

export interface SetUps {
  readonly count: number;
  readonly inFlight: number;
  readonly callers: readonly string[];
  readonly callees: readonly string[];
}

/** Before a call that could not be made, or ended, is made anew. */
const AGAIN_MS = 500;
const SETUP_MS = 60_000;

export class Load {
  readonly #apps: Map<string, App>;
  readonly #random: () => number;
  #ticker: NodeJS.Timeout | undefined;
  #running = 0;
  #made = 0;
  /** Keys are being asked for: no call yet. */
  #making = 0;

  constructor(apps: Map<string, App>, random: () => number) {
    this.#apps = apps;
    this.#random = random;
  }

  /** At once after it has started: what waited for it rings next. */
  add(app: App): void {
    this.#apps.set(app.name, app);
    app.onRing = (incoming) => void this.#decide(app, incoming);
  }

  start({ talks, everyMs, callers, callees, setupsPerSecond }: LoadOptions): void {
    const run = ++this.#running;
    const goesOn = () => this.#running === run;
    for (const [name, member] of Object.entries(talks)) void this.#keepTalking(name, member, goesOn);
    if (setupsPerSecond > 0) void this.#keepCalling({ callers, callees, setupsPerSecond }, goesOn);
    // One talk after the other over the whole span: messages come evenly.
    let turn = 0;
    const steps = Math.max(1, Math.round(everyMs / 20));
    this.#ticker = setInterval(() => {
      const all = [...this.#apps.values()].flatMap((app) => [...app.talks]);
      for (const [i, talk] of all.entries()) if (i % steps === turn) talk.say();
      turn = (turn + 1) % steps;
    }, everyMs / steps);
  }

  /** Nothing new is said or called; calls go on. */
  stop(): void {
    this.#running++;
    clearInterval(this.#ticker);
  }

  /** Every call that this side made; the other side hears of it. `all`: those it took as well. */
  async hangUp(all: boolean): Promise<void> {
    const talks = [...this.#apps.values()].flatMap((app) => [...app.talks]);
    await Promise.all(talks.filter(({ outgoing }) => all || outgoing).map(({ call }) => call.hangUp()));
  }

  /** Those included that are about to be made. */
  get openCalls(): number {
    return [...this.#apps.values()].reduce((sum, { talks }) => sum + talks.size, this.#making);
  }

  /** So many calls, so many at once; resolves with how many became active. Each is hung up then. */
  async setUp({ count, inFlight, callers, callees }: SetUps): Promise<number> {
    let begun = 0;
    let active = 0;
    const worker = async (): Promise<void> => {
      while (begun < count) {
        const number = begun++;
        const talk = await this.#next(callers, callees, number);
        if (!talk) continue;
        if (await becomesActive(talk)) active++;
        await talk.call.hangUp();
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return active;
  }

  async #make(name: string, member: string): Promise<Talk | undefined> {
    const app = this.#apps.get(name);
    if (!app) throw new Error(`no app ${name} on this side`);
    this.#making++;
    try {
      return await app.call(member);
    } finally {
      this.#making--;
    }
  }

  /** All pairs in turn: a callee's app takes 64 calls of one caller in five minutes. */
  #next(callers: readonly string[], callees: readonly string[], number: number): Promise<Talk | undefined> {
    const caller = callers[number % callers.length] as string;
    const callee = callees[(number + Math.floor(number / callers.length)) % callees.length] as string;
    return this.#make(caller, callee);
  }

  async #keepTalking(name: string, member: string, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const talk = await this.#make(name, member);
      if (talk && !goesOn()) await talk.call.hangUp();
      await talk?.call.whenEnded();
      await sleep(AGAIN_MS);
    }
  }

  async #keepCalling(
    options: Pick<LoadOptions, 'callers' | 'callees' | 'setupsPerSecond'>,
    goesOn: () => boolean,
  ): Promise<void> {
    while (goesOn()) {
      void this.#callOnce(options.callers, options.callees, goesOn);
      await sleep(((0.5 + this.#random()) * 1_000) / options.setupsPerSecond);
    }
  }

  async #callOnce(callers: readonly string[], callees: readonly string[], goesOn: () => boolean): Promise<void> {
    const talk = await this.#next(callers, callees, this.#made++);
    if (!talk) return;
    const kind = this.#random();
    // At once, while it rings, or after it was talked in.
    if (kind < 0.15 || !goesOn()) return talk.call.hangUp();
    if (kind < 0.3) await sleep(this.#random() * 400);
    else if (await becomesActive(talk)) await sleep(200 + this.#random() * 600);
    await talk.call.hangUp();
  }

  async #decide(app: App, incoming: Incoming): Promise<void> {
    const isTalker = incoming.from.split('@')[0]?.endsWith('t');
    const kind = isTalker ? 1 : this.#random();
    if (kind < 0.3) await sleep(this.#random() * 300);
    if (incoming.end) return;
    // It may stop ringing meanwhile.
    if (kind < 0.1) await incoming.reject().catch(() => {});
    else await app.take(incoming);
  }
}

async function becomesActive({ call }: Talk): Promise<boolean> {
  if (call.state === 'active') return true;
  if (call.state === 'ended') return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const late = setTimeout(() => resolve(false), SETUP_MS);
  call.on('state', (state) => state === 'active' && resolve(true));
  call.on('ended', () => resolve(false));
  const active = await promise;
  clearTimeout(late);
  return active;
}
