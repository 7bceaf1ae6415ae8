/** One scenario's time in a world: its apps, its logs, its faults, and what it waits for. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Community, Way } from '../support/community.ts';
import { check, type Verdict } from './checker.ts';
import { LogWriter, now, type Side as SideName } from './log.ts';
import { Side } from './side.ts';
import { Watch } from './watch.ts';
import type { World } from './world.ts';

/** What the design page asks for: 20 messages a second each way of ten pairs, and a set-up a second. */
const USUAL = { everyMs: 500, setupsPerSecond: 1 };
/** A silent call ends by itself after 60 s; its hang-up may then take another 30. */
const ENDING_MS = 100_000;
const SETTLING_MS = 90_000;
const PASSING_MS = 1_000;

const SIDES = ['a', 'b'] as const;

export interface SceneOptions {
  /** For the logs of this scenario alone. */
  readonly folder: string;
  readonly seed: number;
  /** What the apps connect to, in place of the gateways. */
  readonly doors?: Readonly<Record<SideName, Way>> | undefined;
}

export class Scene {
  readonly world: World;
  readonly folder: string;
  readonly apps: { readonly a: Side; readonly b: Side };
  readonly watch = new Watch();
  readonly #log: LogWriter;
  readonly #letGo = { a: new Map<string, number>(), b: new Map<string, number>() };
  readonly #onLetGo = { a: new Set<() => void>(), b: new Set<() => void>() };
  readonly #onAnswer = { a: new Set<(path: string) => void>(), b: new Set<(path: string) => void>() };
  #faults = 0;

  private constructor(world: World, folder: string, apps: { readonly a: Side; readonly b: Side }, log: LogWriter) {
    this.world = world;
    this.folder = folder;
    this.apps = apps;
    this.#log = log;
  }

  /** The apps are connected when it resolves. */
  static async open(world: World, { folder, seed, doors }: SceneOptions): Promise<Scene> {
    await mkdir(folder, { recursive: true });
    const log = await LogWriter.open(join(folder, 'run.jsonl'));
    const sideOf = async (side: SideName, number: number): Promise<Side> => {
      const { serverName: server } = world[side];
      const gatewayUrl = doors ? `ws://127.0.0.1:${doors[side].port}` : world[side].gatewayUrl;
      const members = await world.members(side);
      const onLog = (path: string) => scene.watch.add(path);
      const stores = join(world.folder, `apps-${side}`);
      return new Side({ name: side, folder, onLog, server, stores, gatewayUrl, seed: seed + number, members });
    };
    const apps = { a: await sideOf('a', 1), b: await sideOf('b', 2) };
    const scene: Scene = new Scene(world, folder, apps, log);
    scene.watch.add(join(folder, 'run.jsonl'));
    for (const side of SIDES) {
      const tap = world.tap(side);
      if (!tap) continue;
      tap.onLetGo = (envelopes) => scene.#noteLetGo(side, envelopes);
      tap.onAnswer = (path) => {
        for (const listener of scene.#onAnswer[side]) listener(path);
      };
    }
    await Promise.all([apps.a.start(), apps.b.start()]);
    world.enrolled();
    return scene;
  }

  get communities(): readonly [Community, Community] {
    return [this.world.a, this.world.b];
  }

  /** On both sides; resolves once messages flow both ways. */
  async load(options: Partial<typeof USUAL> = {}): Promise<void> {
    const load = { ...USUAL, ...options };
    const since = now();
    await Promise.all(SIDES.map((side) => this.apps[side].tell({ do: 'load', load: this.world.loadOf(side, load) })));
    if ((await this.watch.flowing(since, 30_000)) === undefined) throw new Error('no messages flow, before any fault');
  }

  /** Of one side again, whose apps were started again. */
  async loadAgain(side: SideName, options: Partial<typeof USUAL> = {}): Promise<void> {
    await this.apps[side].tell({ do: 'load', load: this.world.loadOf(side, { ...USUAL, ...options }) });
  }

  async stopLoad(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.apps[side].tell({ do: 'stop-load' })));
  }

  /** Notes that a fault begins, before it does; the function that it resolves with notes that it is over, once it is. */
  async fault(what: string): Promise<() => Promise<void>> {
    const fault = `${++this.#faults} ${what}`;
    await this.#log.write({ k: 'fault', fault });
    return () => this.#log.write({ k: 'healed', fault });
  }

  /** SIGKILLs a bridge and notes what it had let the homeserver forget, and what it knows. It stays down. */
  async killBridge(side: SideName): Promise<void> {
    await this.world[side].stopBridge('SIGKILL');
    const asked = [...this.#letGo[side]].filter(([, expires]) => expires > now()).map(([id]) => id);
    this.#letGo[side].clear();
    if (asked.length === 0) return;
    await this.#log.write({ k: 'kept-by', side, asked, known: await this.world.known(side, asked) });
  }

  /** Resolves as a request passes that lets the homeserver forget envelopes; after a second at the latest. */
  nextLetGo(side: SideName): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onLetGo[side].add(resolve);
    setTimeout(resolve, PASSING_MS);
    return promise;
  }

  /** Resolves when the homeserver has answered a request of its bridge whose path holds `part`. False where none came within `ms`. */
  nextAnswer(side: SideName, part: string, ms = PASSING_MS): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const listener = (path: string) => path.includes(part) && resolve(true);
    this.#onAnswer[side].add(listener);
    const late = setTimeout(() => resolve(false), ms);
    return promise.finally(() => {
      clearTimeout(late);
      this.#onAnswer[side].delete(listener);
    });
  }

  /** ms from now until messages came through both ways; NaN where it took more than `ms`. */
  async untilFlowing(ms: number): Promise<number> {
    const since = now();
    const flowed = await this.watch.flowing(since, ms);
    return flowed === undefined ? Number.NaN : flowed - since;
  }

  /** ms from now until every app of the side is connected; NaN where it took more than `ms`. */
  async untilConnected(side: SideName, ms: number): Promise<number> {
    const since = now();
    const all = Object.keys(await this.world.members(side)).length;
    while ((await this.apps[side].tell({ do: 'online' })) < all) {
      if (now() - since > ms) return Number.NaN;
      await sleep(50);
    }
    return now() - since;
  }

  /** Ends the load and all calls, and waits for every envelope's end; then the apps stop. */
  async close(): Promise<void> {
    await this.stopLoad();
    await this.#inBoth({ do: 'hang-up', all: false });
    const end = now() + ENDING_MS;
    while ((await this.#inBoth({ do: 'open-calls' })) > 0 && now() < end) await sleep(200);
    await this.watch.settled(SETTLING_MS);
  }

  /** After `close`. */
  async judge(): Promise<Verdict> {
    const until = now();
    const verdict = check(await this.watch.lines(), until);
    const crashes = SIDES.flatMap((side) => this.apps[side].crashes).map((what) => `broke: ${what}`);
    return { ...verdict, wrong: [...crashes, ...verdict.wrong] };
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    for (const side of SIDES) {
      const tap = this.world.tap(side);
      if (!tap) continue;
      tap.onLetGo = () => {};
      tap.onAnswer = () => {};
    }
    await Promise.allSettled(SIDES.map((side) => this.apps[side].kill()));
    await this.#log.close();
  }

  async #inBoth(command: { readonly do: 'hang-up'; readonly all: boolean } | { readonly do: 'open-calls' }): Promise<number> {
    const results = await Promise.all(SIDES.map((side) => this.apps[side].tell(command)));
    return results.reduce((sum, result) => sum + result, 0);
  }

  #noteLetGo(side: SideName, envelopes: ReadonlyMap<string, number>): void {
    for (const [id, expires] of envelopes) this.#letGo[side].set(id, expires);
    void this.#log.write({ k: 'let-go', side, ids: [...envelopes.keys()] });
    for (const resolve of this.#onLetGo[side]) resolve();
    this.#onLetGo[side].clear();
  }
}
