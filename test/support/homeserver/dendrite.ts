/** A real Dendrite on loopback, with the ways of synapse.ts: two steps, one authority, ended with this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TestAuthority } from './certificates.ts';
import { findDendrite } from './dendrite-install.ts';
import { Homeserver, type HomeserverPorts } from './homeserver.ts';
import type { Progress } from './install.ts';
import { HOST, reservePorts } from './ports.ts';
import { onPath } from './run.ts';

export interface DendriteOptions {
  /** For error messages. */
  readonly name: string;
  /** A folder of its own, made if need be. */
  readonly dir: string;
  readonly authority: TestAuthority;
  /** See SynapseOptions. */
  readonly tapped?: boolean;
  readonly progress?: Progress;
}

export async function prepareDendrite({ name, dir, authority, tapped, progress }: DendriteOptions): Promise<Dendrite> {
  const program = await findDendrite(progress);
  const [federation, client, spare] = await reservePorts();
  const ports = { federation, client, ...(tapped ? { behind: spare } : {}) };
  const place = resolve(dir);
  await mkdir(place, { recursive: true });
  const { certificate, key } = authority.issue();
  await Promise.all([
    writeFile(join(place, 'ca.pem'), authority.certificate),
    writeFile(join(place, 'tls.crt'), certificate),
    writeFile(join(place, 'tls.key'), key, { mode: 0o600 }),
    writeFile(join(place, 'signing.pem'), signingKey(), { mode: 0o600 }),
  ]);
  return new Dendrite(name, place, ports, program);
}

/** What its own generate-keys writes: 32 random bytes under a name. */
const signingKey = (): string =>
  `-----BEGIN MATRIX PRIVATE KEY-----\nKey-ID: ed25519:test\n\n${randomBytes(32).toString('base64')}\n-----END MATRIX PRIVATE KEY-----\n`;

export class Dendrite extends Homeserver {
  readonly registrationSecret = randomBytes(24).toString('base64url');
  readonly #ports: HomeserverPorts;
  readonly #program: string;

  constructor(name: string, dir: string, ports: HomeserverPorts, program: string) {
    super({ name, dir, ports, logPath: join(dir, 'homeserver.log'), ca: join(dir, 'ca.pem') });
    this.#ports = ports;
    this.#program = program;
  }

  protected override async launch(appservices: readonly string[]): Promise<ChildProcess> {
    const at = (file: string): string => join(this.dir, file);
    await writeFile(at('dendrite.yaml'), JSON.stringify(this.#settings(appservices), null, 2), { mode: 0o600 });
    const args = [
      ...['--config', at('dendrite.yaml')],
      ...['--http-bind-address', `${HOST}:${this.#ports.client}`],
      ...['--https-bind-address', `${HOST}:${this.federationTarget}`, '--tls-cert', at('tls.crt'), '--tls-key', at('tls.key')],
    ];
    // The kernel's own word ends it with us, whatever ends us; elsewhere than on Linux an exit handler has to do.
    const setpriv = onPath('setpriv');
    const [file, fileArgs] = setpriv ? [setpriv, ['--pdeathsig', 'KILL', this.#program, ...args]] : [this.#program, args];
    const output = await open(this.logPath, 'a');
    try {
      const env = { ...process.env, SSL_CERT_FILE: this.ca };
      const child = spawn(file, fileArgs, { cwd: this.dir, env, stdio: ['ignore', output.fd, output.fd], detached: true });
      await once(child, 'spawn');
      child.unref();
      if (!setpriv) process.once('exit', () => child.kill('SIGKILL'));
      return child;
    } finally {
      await output.close();
    }
  }

  /** JSON is YAML. With SQLite each part has a file of its own. */
  #settings(appservices: readonly string[]): unknown {
    const database = (part: string) => ({ connection_string: `file:${join(this.dir, `${part}.db`)}` });
    return {
      version: 2,
      global: {
        server_name: this.serverName,
        private_key: join(this.dir, 'signing.pem'),
        jetstream: { storage_path: this.dir, topic_prefix: 'Dendrite' },
        cache: { max_size_estimated: '64mb', max_age: '1h' },
      },
      app_service_api: { config_files: appservices },
      client_api: { registration_disabled: true, registration_shared_secret: this.registrationSecret },
      federation_api: { key_perspectives: [], database: database('federationapi') },
      key_server: { database: database('keyserver') },
      media_api: { base_path: join(this.dir, 'media'), database: database('mediaapi') },
      mscs: { database: database('mscs') },
      relay_api: { database: database('relayapi') },
      room_server: { database: database('roomserver') },
      sync_api: { database: database('syncapi') },
      user_api: { bcrypt_cost: 4, account_database: database('userapi') },
      logging: [{ type: 'std', level: 'warn' }],
    };
  }
}
