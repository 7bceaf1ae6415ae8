/** What a scenario of the fault tests is. One file each in scenarios/; run.ts finds them by the list there. */

import type { Way } from '../support/community.ts';
import type { Side } from './log.ts';
import type { Bound } from './rows.ts';
import type { Scene } from './scene.ts';
import type { World, WorldOptions } from './world.ts';

export interface RunOptions {
  readonly form: 'short' | 'long';
  /** Of the long form: how long what has no length of its own goes on. */
  readonly minutes: number;
  readonly seed: number;
  /** A build is tried that must be found bad: a few faults are enough. */
  readonly badBuild: boolean;
  /** The same numbers in [0, 1) for the same seed. */
  readonly random: () => number;
  readonly progress: (line: string) => void;
}

export interface Finding {
  readonly bounds?: readonly Bound[];
  readonly notes?: readonly string[];
  /** Beside what the checker finds; one that begins with `broke: ` fails the row. */
  readonly wrong?: readonly string[];
}

export interface Scenario {
  /** `F1` */
  readonly id: string;
  readonly title: string;
  /** A world of its own, beside the shared one: a function, so that ports and proxies are made when it starts. Undefined = the shared one. */
  readonly world?: (options: RunOptions) => Promise<WorldOptions>;
  /** What the apps of each side connect to in place of their gateway; stopped with the scene. */
  readonly doors?: (world: World) => Promise<Readonly<Record<Side, Way>>>;
  /** ms; holds what the checker finds as the worst recovery. */
  readonly recoveryAtMost?: number;
  /** Has a bound in milliseconds that other scenarios beside it would break. */
  readonly alone?: boolean;
  /** Mostly waits: may run beside others where it has a world of its own. */
  readonly waits?: boolean;
  /** Not in the short form, and why; the run says so. */
  readonly longOnly?: string;
  /**
   * The apps run and are connected; no load is on. Starts load, makes faults (`scene.fault`), heals all of them and puts back what it
   * changed. Afterwards the harness stops the load, hangs up, waits until every envelope has come to an end, and lets the checker judge.
   */
  run(scene: Scene, options: RunOptions): Promise<Finding>;
}
