/**
 * A real Synapse on loopback, one module for the demo and the tests.
 *
 *     const authority = createAuthority();
 *     const orchid = await prepareSynapse({ name: 'orchid', dir: …, authority });
 *     … write a registration for orchid.serverName …
 *     await orchid.start({ appservices: [registrationFile] });
 *
 * Two steps, because the registration must name the server and the server must read the registration. Servers of one authority
 * federate with each other.
 */
import type { ChildProcess } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestAuthority } from './certificates.ts';
import { filesIn, type Overrides, type SynapsePorts, writeConfig, writeIdentity } from './config.ts';
import { answers } from './health.ts';
import { findSynapse, type Progress, type SynapseProgram } from './install.ts';
import { HOST, reservePorts } from './ports.ts';
import { ended, isRunning, spawnBound } from './process.ts';
import { lastLines } from './run.ts';

/** A start takes 2–5 s; this bounds it on a machine that is busy with much else. */
const START_MS = 60_000;
const POLL_MS = 50;
/** Synapse ends in well under a second; one that does not is ended by force. */
const STOP_MS = 10_000;

export interface SynapseOptions {
  /** For error messages. */
  readonly name: string;
  /** A folder of its own, made if need be. A database belongs to one server name, so never that of an earlier run. */
  readonly dir: string;
  readonly authority: TestAuthority;
  readonly overrides?: Overrides;
  /** Serve federation on `federationTarget` and leave the public port to a tap, which must then listen before peers call. */
  readonly tapped?: boolean;
  /** Hears about an installation under way; standard error by default. */
  readonly progress?: Progress;
}

export interface StartOptions {
  /** Paths of registration files. */
  readonly appservices?: readonly string[];
}

export async function prepareSynapse(options: SynapseOptions): Promise<Synapse> {
  const program = await findSynapse(options.progress);
  const dir = resolve(options.dir);
  const [federation, client, spare] = await reservePorts();
  const ports = { federation, client, ...(options.tapped ? { behind: spare } : {}) };
  const settings = await writeIdentity(dir, options.authority, ports);
  return new Synapse(options.name, dir, ports, { ...settings, ...options.overrides }, program);
}

/** Both steps, where no registration waits for the server name. */
export const startSynapse = async (options: SynapseOptions & StartOptions): Promise<Synapse> =>
  (await prepareSynapse(options)).start(options);

export class Synapse {
  readonly name: string;
  readonly dir: string;
  readonly serverName: string;
  readonly clientUrl: string;
  /** The public federation port, and the one that serves it: the same unless tapped. */
  readonly federationPort: number;
  readonly federationTarget: number;
  readonly databasePath: string;
  readonly logPath: string;
  /** Path of the authority's certificate. */
  readonly ca: string;
  readonly registrationSecret: string;
  readonly #settings: Overrides;
  readonly #program: SynapseProgram;
  #appservices: readonly string[] = [];
  #child: ChildProcess | undefined;

  constructor(name: string, dir: string, ports: SynapsePorts, settings: Overrides, program: SynapseProgram) {
    const files = filesIn(dir);
    this.name = name;
    this.dir = dir;
    this.serverName = String(settings['server_name']);
    this.clientUrl = `http://${HOST}:${ports.client}`;
    this.federationPort = ports.federation;
    this.federationTarget = ports.behind ?? ports.federation;
    this.databasePath = files.database;
    this.logPath = files.log;
    this.ca = files.ca;
    this.registrationSecret = String(settings['registration_shared_secret']);
    this.#settings = settings;
    this.#program = program;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child !== undefined && isRunning(this.#child) ? this.#child.pid : undefined;
  }

  /** Resolves once clients and other servers are answered. Without `appservices`, those of the last start stay. */
  async start({ appservices = this.#appservices }: StartOptions = {}): Promise<this> {
    if (this.pid !== undefined) throw new Error(`Synapse ${this.name} is running`);
    this.#appservices = appservices.map((path) => resolve(path));
    await writeConfig(this.dir, { ...this.#settings, app_service_config_files: this.#appservices });
    const deadline = performance.now() + START_MS;
    while (!(await this.#launch(deadline))) {
      const log = await lastLines(this.logPath);
      // The ports are ours, but a program that knows nothing of it may pass through, or a killed server's sockets linger.
      if (!/Address already in use/.test(log) || performance.now() > deadline) throw this.#failure('ended while starting', log);
      await sleep(500);
    }
    return this;
  }

  /** False if it ended by itself. */
  async #launch(deadline: number): Promise<boolean> {
    const visible = [this.dir, ...this.#appservices.map(dirname)];
    const child = await spawnBound(this.#program, filesIn(this.dir).config, this.logPath, [...new Set(visible)]);
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
    return new Error(`Synapse ${this.name} ${what}. The end of ${this.logPath}:\n${log}`);
  }
}
