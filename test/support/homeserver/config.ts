/** The files of one test Synapse, written by ourselves: its own `--generate-config` would be one more start of Python. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestAuthority } from './certificates.ts';
import type { HomeserverPorts } from './homeserver.ts';
import { HOST } from './ports.ts';

export interface SynapseFiles {
  readonly config: string;
  readonly database: string;
  readonly log: string;
  readonly ca: string;
}

/** Settings of homeserver.yaml, laid over ours; see Synapse's configuration manual. */
export type Overrides = Readonly<Record<string, unknown>>;

export const filesIn = (dir: string): SynapseFiles => ({
  config: join(dir, 'homeserver.yaml'),
  database: join(dir, 'homeserver.db'),
  log: join(dir, 'homeserver.log'),
  ca: join(dir, 'ca.pem'),
});

/** What stays the same however often the server starts: certificate, signing key, secrets. Returns the settings that hold them. */
export async function writeIdentity(dir: string, authority: TestAuthority, ports: HomeserverPorts): Promise<Overrides> {
  await mkdir(dir, { recursive: true });
  const { certificate, key } = authority.issue();
  const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  const secret = (): string => randomBytes(24).toString('base64url');
  const at = (name: string): string => join(dir, name);
  const loopback = { type: 'http', bind_addresses: [HOST], x_forwarded: false };
  await Promise.all([
    writeFile(filesIn(dir).ca, authority.certificate),
    writeFile(at('tls.crt'), certificate),
    writeFile(at('tls.key'), key, { mode: 0o600 }),
    writeFile(at('signing.key'), `ed25519 a_test ${unpadded(randomBytes(32))}\n`, { mode: 0o600 }),
    writeFile(at('log.yaml'), JSON.stringify(logging)),
  ]);
  return {
    server_name: `localhost:${ports.federation}`, // an explicit port needs no DNS and no well-known file
    public_baseurl: `http://${HOST}:${ports.client}/`,
    listeners: [
      { ...loopback, port: ports.behind ?? ports.federation, tls: true, resources: [{ names: ['federation'] }] },
      { ...loopback, port: ports.client, tls: false, resources: [{ names: ['client'] }] },
    ],
    database: { name: 'sqlite3', args: { database: filesIn(dir).database } },
    log_config: at('log.yaml'),
    media_store_path: at('media'),
    signing_key_path: at('signing.key'),
    tls_certificate_path: at('tls.crt'),
    tls_private_key_path: at('tls.key'),
    federation_custom_ca_list: [filesIn(dir).ca],
    ip_range_blacklist: [], // loopback is where the other servers are
    trusted_key_servers: [], // nothing outside this machine is asked
    registration_shared_secret: secret(),
    macaroon_secret_key: secret(),
    form_secret: secret(),
    report_stats: false,
    bcrypt_rounds: 4, // passwords of throw-away users need no half second of hashing
  };
}

/**
 * JSON is YAML; a setting a line, so that an operator's own lines can follow. Overrides go first by key, whole: a `listeners` of theirs
 * replaces both of ours.
 */
export function writeConfig(dir: string, settings: Overrides, appended: string): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  return writeFile(filesIn(dir).config, lines.join('') + appended, { mode: 0o600 });
}

/** To standard error, which goes to the log file, so that what Python prints when it fails to start is in the same file. */
const logging = {
  version: 1,
  disable_existing_loggers: false,
  formatters: { plain: { format: '%(asctime)s %(levelname)s %(name)s: %(message)s' } },
  handlers: { stderr: { class: 'logging.StreamHandler', stream: 'ext://sys.stderr', formatter: 'plain' } },
  root: { level: 'WARNING', handlers: ['stderr'] },
};
