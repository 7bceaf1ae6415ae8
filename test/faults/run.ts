/** `npm run test:faults`: runs the scenarios, prints the table, exits 1 when a promise was broken. docs/FAULTS.md. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../support/clock.ts';
import { BUILD_NAMES, BUILDS, type BuildName, makeBuild } from './builds.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { failuresOf, type Row, table } from './rows.ts';
import type { RunOptions, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { Scene } from './scene.ts';
import { describeLink } from './tools/link.ts';
import { World, type WorldOptions } from './world.ts';

const WRONG_SHOWN = 20;
const TESTS = new URL('../run.ts', import.meta.url).pathname;
const began = performance.now();
const say = (line: string) => console.error(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${line}`);

class Run {
  readonly #options: Options;
  readonly #folder: string;
  #shared: Promise<World> | undefined;
  readonly #worlds = new Set<World>();

  constructor(options: Options, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  async rows(): Promise<Row[]> {
    const { ids, form } = this.#options;
    const all = await Promise.all(ids.map(async (id) => (await SCENARIOS[id]!()).scenario));
    const left = all.filter(({ longOnly }) => form === 'short' && longOnly !== undefined);
    for (const { id, title, longOnly } of left) console.log(`${id} is not in the short form: ${title} (${longOnly})`);
    const wanted = all.filter((scenario) => !left.includes(scenario));
    const rows: Row[] = [];
    const play = async (next: () => Scenario | undefined): Promise<void> => {
      for (let scenario = next(); scenario; scenario = next()) rows.push(await this.#row(scenario));
    };
    // Those that are timed in milliseconds have the machine to themselves.
    const alone = wanted.filter((scenario) => scenario.alone);
    await play(() => alone.shift());
    const beside = wanted.filter(({ alone, waits, world }) => !alone && waits && world !== undefined);
    const others = wanted.filter((scenario) => !scenario.alone && !beside.includes(scenario));
    // The second takes what has a world of its own: always what mostly waits, and in the short form all that is left.
    const ownWorld = () =>
      others.splice(
        others.findLastIndex(({ world }) => world !== undefined),
        1,
      )[0];
    const second = () => beside.shift() ?? (form === 'short' && others.some(({ world }) => world) ? ownWorld() : undefined);
    await Promise.all([play(() => others.shift() ?? beside.shift()), play(second)]);
    return rows.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#worlds].map((world) => world.stop()));
  }

  async #row(scenario: Scenario): Promise<Row> {
    const { form, minutes, seed } = this.#options;
    const { id, title } = scenario;
    const progress = (line: string) => say(`${id} ${line}`);
    const random = seeded(seed + Number(/\d+/.exec(id)));
    const options: RunOptions = { form, minutes, seed, badBuild: this.#options.build !== undefined, random, progress };
    const start = performance.now();
    progress(title);
    let result: Omit<Row, 'id' | 'title' | 'seconds'>;
    try {
      result = await this.#play(scenario, options);
    } catch (error) {
      result = { ...NOTHING, wrong: [`broke: ${error instanceof Error ? error.stack : error}`] };
    }
    const row = { id, title, seconds: (performance.now() - start) / 1_000, ...result };
    const failures = failuresOf(row);
    progress(failures.length === 0 ? 'ok' : `FAILED: ${failures.join('; ')}`);
    return row;
  }

  async #play(scenario: Scenario, options: RunOptions): Promise<Omit<Row, 'id' | 'title' | 'seconds'>> {
    const world = await this.#world(scenario, options);
    const doors = await scenario.doors?.(world);
    const folder = join(this.#folder, `logs-${scenario.id}`);
    const scene = await Scene.open(world, { folder, seed: options.seed, doors });
    let broken = true;
    try {
      const { bounds = [], notes = [], wrong = [] } = await scenario.run(scene, options);
      await scene.close();
      const verdict = await scene.judge();
      const { recoveryAtMost: atMost } = scenario;
      const recovery =
        atMost === undefined ? [] : [{ what: 'recovery', value: verdict.recoveryMs ?? Number.NaN, atMost, unit: 'ms' }];
      broken = false;
      const all = [...wrong, ...(await world.bugs()), ...verdict.wrong];
      return { ...verdict, bounds: [...recovery, ...bounds], notes, wrong: all };
    } finally {
      await scene.end();
      await Promise.all(Object.values(doors ?? {}).map((door) => door.stop()));
      // What a broken scenario leaves behind would break the next ones.
      if (scenario.world !== undefined || broken) await this.#drop(world);
    }
  }

  async #world(scenario: Scenario, options: RunOptions): Promise<World> {
    if (scenario.world !== undefined) return this.#start(await scenario.world(options));
    const { build } = this.#options;
    this.#shared ??= (async () => this.#start(build === undefined ? {} : { programOfB: await makeBuild(build, this.#folder) }))();
    return this.#shared;
  }

  async #start(options: WorldOptions): Promise<World> {
    const world = await World.start(this.#folder, options);
    this.#worlds.add(world);
    return world;
  }

  async #drop(world: World): Promise<void> {
    this.#worlds.delete(world);
    if ((await this.#shared?.catch(() => undefined)) === world) this.#shared = undefined;
    await world.stop();
  }
}

const NOTHING = {
  ...{ sent: 0, delivered: 0, lost: 0, doubled: 0, outOfOrder: 0, ghostRings: 0, falseEnds: 0, openCalls: 0, unjournaled: 0 },
  ...{ failed: 0, unconfirmed: 0, ackLost: 0, recoveryMs: undefined, bounds: [], notes: [] },
};

/** For test/run.ts: each row is a test. */
function leaveCounts(passed: number, failed: number): void {
  const file = process.env['VOLLY_TEST_COUNTS'];
  if (file) writeFileSync(file, JSON.stringify({ passed, failed, skipped: 0 }));
}

/** Whether all is as it should be. */
async function main(options: Options): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'volly-faults-'));
  let keep = options.keep;
  process.once('exit', () => {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  });
  console.log(`seed ${options.seed}, ${options.form} form; between the servers: ${await describeLink()}`);
  if (options.build !== undefined) return findBad(options, options.build, folder);
  const rows = await play(options, folder);
  console.log(`\n${table(rows)}`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  const failed = rows.filter((row) => failuresOf(row).length > 0);
  for (const row of failed) tellFailure(row);
  keep ||= failed.length > 0;
  if (keep) console.log(`\nlogs and databases are in ${folder}`);
  leaveCounts(rows.length - failed.length, failed.length);
  if (options.form === 'short' || !options.everything) return failed.length === 0;
  const found: boolean[] = [];
  for (const name of BUILD_NAMES) found.push(await findBad({ ...options, ids: ['F1'] }, name, folder));
  return withDendrite() && failed.length === 0 && found.every(Boolean);
}

/** S8 is mocha's: a command of its own too, which builds Dendrite where there is none yet. */
function withDendrite(): boolean {
  say('S8 a community on Synapse and one on Dendrite');
  const { status } = spawnSync(process.execPath, [TESTS, 'dendrite'], { stdio: 'inherit' });
  say(`S8 ${status === 0 ? 'ok' : 'FAILED'}`);
  return status === 0;
}

/** Plays all of it, and leaves nothing running. */
async function play(options: Options, folder: string): Promise<Row[]> {
  const run = new Run(options, folder);
  const interrupted = () => void run.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    return await run.rows();
  } finally {
    await run.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}

function tellFailure(row: Row): void {
  console.log(`\n${row.id} failed: ${failuresOf(row).join('; ')}`);
  for (const line of row.wrong.slice(0, WRONG_SHOWN)) console.log(`  ${line}`);
  if (row.wrong.length > WRONG_SHOWN) console.log(`  … and ${row.wrong.length - WRONG_SHOWN} more`);
}

/** Whether the checker finds what is wrong with this build. */
async function findBad(options: Options, name: BuildName, folder: string): Promise<boolean> {
  const { shows } = BUILDS[name];
  const rows = await play({ ...options, build: name }, await mkdtemp(join(folder, `${name}-`)));
  const count = rows.reduce((sum, row) => sum + row[shows], 0);
  console.log(`\n${table(rows)}\n\nthe build ${name} was ${count > 0 ? `found: ${shows} ${count}` : 'NOT FOUND'}`);
  return count > 0;
}

try {
  const options = readOptions();
  if (!options) console.log(HELP);
  else if (!(await main(options))) process.exitCode = 1;
} catch (error) {
  const known =
    error instanceof Error && ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') || /^--/.test(error.message));
  console.error(known ? `${(error as Error).message}\n\n${HELP}` : error);
  process.exitCode = known ? 2 : 1;
}
// All has been told, and nothing runs any more. Node's own end would first wait for requests of sockets that are gone: now and then for
// ever, on a whole processor (seen twice, in uv_run below FreeEnvironment).
process.exit();
