/** A homeserver process on loopback: what starting, stopping and killing one is, whichever program it is. */
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from './health.ts';
import { HOST } from './ports.ts';
import { ended, isRunning } from './process.ts';
import { lastLines } from './run.ts';

/** A start takes 2–5 s; this bounds it on a machine that is busy with much else. */
const START_MS = 60_000;
const POLL_MS = 50;
/** They end in well under a second; one that does not is ended by force. */
const STOP_MS = 10_000;

export interface HomeserverPorts {
  readonly federation: number;
  readonly client: number;
  /** Where federation is served when something of the test's own (a tap, a cut) listens on the public port. */
  readonly behind?: number;
}

export interface StartOptions {
  /** Paths of registration files. */
  readonly appservices?: readonly string[];
}

interface Place {
  readonly name: string;
  readonly dir: string;
  readonly ports: HomeserverPorts;
  readonly logPath: string;
  /** Path of the authority's certificate. */
  readonly ca: string;
}

export abstract class Homeserver {
  readonly name: string;
  readonly dir: string;
  readonly serverName: string;
  readonly clientUrl: string;
  /** The public federation port, and the one that serves it: the same unless tapped. */
  readonly federationPort: number;
  readonly federationTarget: number;
  readonly logPath: string;
  readonly ca: string;
  #appservices: readonly string[] = [];
  #child: ChildProcess | undefined;

  constructor({ name, dir, ports, logPath, ca }: Place) {
    this.name = name;
    this.dir = dir;
    this.serverName = `localhost:${ports.federation}`; // an explicit port needs no DNS and no well-known file
    this.clientUrl = `http://${HOST}:${ports.client}`;
    this.federationPort = ports.federation;
    this.federationTarget = ports.behind ?? ports.federation;
    this.logPath = logPath;
    this.ca = ca;
  }

  /** Of the request that registers ordinary users, which both programs have. */
  abstract readonly registrationSecret: string;

  /** Writes its configuration with these registration files and starts the process, which ends with ours. */
  protected abstract launch(appservices: readonly string[]): Promise<ChildProcess>;

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child !== undefined && isRunning(this.#child) ? this.#child.pid : undefined;
  }

  /** Resolves once clients and other servers are answered. Without `appservices`, those of the last start stay. */
  async start({ appservices = this.#appservices }: StartOptions = {}): Promise<this> {
    if (this.pid !== undefined) throw new Error(`${this.constructor.name} ${this.name} is running`);
    this.#appservices = appservices.map((path) => resolve(path));
    const deadline = performance.now() + START_MS;
    while (!(await this.#comesUp(deadline))) {
      const log = await lastLines(this.logPath);
      // The ports are ours, but a program that knows nothing of it may pass through, or a killed server's sockets linger.
      if (!/address already in use/i.test(log) || performance.now() > deadline) throw this.#failure('ended while starting', log);
      await sleep(500);
    }
    return this;
  }

  /** False if it ended by itself. */
  async #comesUp(deadline: number): Promise<boolean> {
    const child = await this.launch(this.#appservices);
    this.#child = child;
    while (isRunning(child)) {
      if (await this.#isHealthy()) return true;
      if (performance.now() > deadline) {
        await this.kill();
        throw this.#failure(`did not answer within ${START_MS / 1_000} s`, await lastLines(this.logPath));
      }
      await sleep(POLL_MS);
    }
    return false;
  }

  async #isHealthy(): Promise<boolean> {
    const federation = `https://${this.serverName}/_matrix/federation/v1/version`;
    return (await answers(`${this.clientUrl}/_matrix/client/versions`)) && answers(federation, this.ca);
  }

  /** Ends it in order. Its ports stay reserved, so that `restart` finds them. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Ends it as a power cut would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Same ports, same database, same application services; also after `stop` or `kill`. */
  async restart(): Promise<this> {
    await this.stop();
    return this.start();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child !== undefined) await ended(this.#child, signal, STOP_MS);
  }

  #failure(what: string, log: string): Error {
    return new Error(`${this.constructor.name} ${this.name} ${what}. The end of ${this.logPath}:\n${log}`);
  }
}
