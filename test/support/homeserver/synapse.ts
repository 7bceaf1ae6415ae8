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
import type { TestAuthority } from './certificates.ts';
import { filesIn, type Overrides, writeConfig, writeIdentity } from './config.ts';
import { Homeserver, type HomeserverPorts, type StartOptions } from './homeserver.ts';
import { findSynapse, type Progress, type SynapseProgram } from './install.ts';
import { reservePorts } from './ports.ts';
import { spawnBound } from './process.ts';

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

export class Synapse extends Homeserver {
  readonly databasePath: string;
  readonly registrationSecret: string;
  readonly #settings: Overrides;
  readonly #program: SynapseProgram;
  #appended = '';
  #folders: readonly string[] = [];

  constructor(name: string, dir: string, ports: HomeserverPorts, settings: Overrides, program: SynapseProgram) {
    const files = filesIn(dir);
    super({ name, dir, ports, logPath: files.log, ca: files.ca });
    this.databasePath = files.database;
    this.registrationSecret = String(settings['registration_shared_secret']);
    this.#settings = settings;
    this.#program = program;
  }

  /** What an operator writes at the end of homeserver.yaml, read from the next start on; `folders` hold what the lines name. */
  append(lines: string, folders: readonly string[]): void {
    this.#appended = lines;
    this.#folders = folders;
  }

  protected override async launch(appservices: readonly string[]): Promise<ChildProcess> {
    const named = appservices.length > 0 ? { app_service_config_files: appservices } : {};
    await writeConfig(this.dir, { ...this.#settings, ...named }, this.#appended);
    const visible = [this.dir, ...appservices.map(dirname), ...this.#folders];
    return spawnBound(this.#program, filesIn(this.dir).config, this.logPath, [...new Set(visible)]);
  }
}
