/** One side's apps as the run sees them: a process that is started, told what to do, killed, and started again on the same stores. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Command, HostOptions, Reply, Request } from './apps/commands.ts';

const HOST = new URL('apps/host.ts', import.meta.url).pathname;
const START_MS = 60_000;

export interface SideOptions extends Omit<HostOptions, 'log'> {
  readonly name: string;
  /** For the logs. */
  readonly folder: string;
  /** Hears of each log file, before anything is written to it. */
  readonly onLog: (path: string) => void;
}

/** Those of a run that is interrupted end with it. */
const endWithParent = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of endWithParent) child.kill('SIGKILL');
});

export class Side {
  readonly #options: SideOptions;
  #child: ChildProcess | undefined;
  #lives = 0;
  #ending = false;
  /** Ends that nobody asked for. */
  readonly crashes: string[] = [];
  #requests = 0;
  readonly #waiting = new Map<number, { resolve: (result: number) => void; reject: (error: Error) => void }>();

  constructor(options: SideOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves once all its apps are there: enrolled and connected, or known already. `gatewayUrl`: another one from now on. */
  async start(): Promise<void> {
    const { name, folder, onLog, ...options } = this.#options;
    const log = join(folder, `${name}-${++this.#lives}.jsonl`);
    onLog(log);
    const args = ['--disable-warning=ExperimentalWarning', HOST, JSON.stringify({ ...options, log } satisfies HostOptions)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const output = createWriteStream(join(folder, `${name}-${this.#lives}.out`));
    child.stdout?.pipe(output, { end: false });
    child.stderr?.pipe(output, { end: false });
    this.#child = child;
    this.#ending = false;
    endWithParent.add(child);
    const begun = this.#waitFor(0, START_MS);
    child.on('message', (reply: Reply) => this.#settle(reply));
    child.once('exit', (code, signal) => {
      endWithParent.delete(child);
      if (this.#child !== child) return;
      this.#child = undefined;
      const what = `the apps of side ${name} ended (${signal ?? code}); see ${name}-${this.#lives}.out in ${folder}`;
      if (!this.#ending) this.crashes.push(what);
      const error = new Error(what);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
    await begun;
  }

  /** What the command results in; see commands.ts. */
  async tell(command: Command): Promise<number> {
    const child = this.#child;
    if (!child) throw new Error(`no apps run on side ${this.#options.name}`);
    const id = ++this.#requests;
    const reply = this.#waitFor(id);
    child.send({ id, command } satisfies Request);
    return reply;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** In order: calls are hung up, apps say goodbye. */
  async stop(): Promise<void> {
    if (!this.#child) return;
    await this.tell({ do: 'close' });
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#ending = true;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  #waitFor(id: number, ms?: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // Whoever does not wait for it any more is not to be ended by it.
    promise.catch(() => {});
    this.#waiting.set(id, { resolve, reject });
    if (ms === undefined) return promise;
    const late = setTimeout(() => reject(new Error(`side ${this.#options.name} did not start within ${ms / 1_000} s`)), ms);
    return promise.finally(() => clearTimeout(late));
  }

  #settle({ id, result = 0, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}
