/** A set-up that is good in all that the doctor looks at, on a disk and ports of its own, to be broken in one way. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { toBase64url } from '../../../src/bytes.ts';
import { systemRandom } from '../../../src/clock.ts';
import { doctorPorts } from '../../../src/compose/doctor.ts';
import {
  buildRegistration,
  newTokens,
  type RegistrationOptions,
  registrationToYaml,
  type Tokens,
} from '../../../src/config/registration.ts';
import { parseServerName, type ServerName } from '../../../src/ids.ts';
import { runDoctor } from '../../../src/ops/doctor/doctor.ts';
import type { Finding } from '../../../src/ops/doctor/finding.ts';
import type { DoctorPorts } from '../../../src/ops/doctor/ports.ts';
import type { Status } from '../../../src/ops/status.ts';
import type { PeerState } from '../../../src/routing/ports.ts';
import { openSqlite } from '../../../src/storage/sqlite/stores.ts';
import type { ServerCertificate, TestAuthority } from '../../support/homeserver/certificates.ts';
import { HOST, reservePorts } from '../../support/homeserver/ports.ts';
import { TurnServer, turnCredentials } from '../../support/turn-server.ts';
import { elsewhere } from './case.ts';
import { type DoorOptions, openDoor } from './gateway.ts';
import { type Loaded, type Reply, TestHomeserver } from './homeserver.ts';

const VERSION = '9.9.9';

const heard = (server: string): PeerState => ({
  server: parseServerName(server),
  state: 'ok',
  waiting: 0,
  bytes: 0,
  oldestMs: 0,
});

export class World {
  readonly authority: TestAuthority;
  readonly dir = mkdtempSync(join(tmpdir(), 'volly-doctor-'));
  readonly configFile = join(this.dir, 'config.yaml');
  readonly registrationFile = join(this.dir, 'data/registration.yaml');
  readonly keyFile = join(this.dir, 'data/community.key');
  readonly databaseFile = join(this.dir, 'data/volly.db');
  readonly homeserver: TestHomeserver;
  readonly turn: TurnServer;
  readonly ports: { readonly appservice: number; readonly gateway: number; readonly admin: number };
  readonly tokens: Tokens = newTokens(systemRandom);
  readonly seed = systemRandom(64);
  /** What the running bridge says; undefined: none runs. */
  #status: Status | undefined;
  #overlay: Partial<DoctorPorts> = {};
  readonly #ends: (() => unknown)[] = [];

  private constructor(authority: TestAuthority, homeserver: TestHomeserver, turn: TurnServer, ports: World['ports']) {
    this.authority = authority;
    this.homeserver = homeserver;
    this.turn = turn;
    this.ports = ports;
    this.#ends.push(
      () => rmSync(this.dir, { recursive: true, force: true }),
      () => homeserver.stop(),
      () => turn.stop(),
    );
  }

  static async make(authority: TestAuthority): Promise<World> {
    const homeserver = await TestHomeserver.start(authority.issue());
    const [appservice, gateway, admin] = await reservePorts();
    const world = new World(authority, homeserver, await TurnServer.start(authority.issue()), { appservice, gateway, admin });
    mkdirSync(join(world.dir, 'data'), { mode: 0o700 });
    world.configure({});
    world.register({});
    writeFileSync(world.keyFile, `volly-community-key-1 ${toBase64url(world.seed)}\n`, { mode: 0o600 });
    await openSqlite({ file: world.databaseFile }).close();
    homeserver.loaded = { id: 'volly', url: world.appserviceUrl, ...world.tokens, owns: true };
    world.tellTurn(Object.values(world.turn.uris));
    return world;
  }

  get server(): ServerName {
    return parseServerName(this.homeserver.serverName);
  }

  get appserviceUrl(): string {
    return `http://${HOST}:${this.ports.appservice}`;
  }

  end(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Writes the configuration, with these sections laid over. */
  configure(over: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void {
    const { appservice, gateway, admin } = this.ports;
    const usual: Record<string, Record<string, unknown>> = {
      homeserver: { url: `http://localhost:${this.homeserver.port}`, server_name: this.homeserver.serverName },
      appservice: { url: this.appserviceUrl, listen: { port: appservice } },
      gateway: { listen: { port: gateway }, public_url: `ws://localhost:${gateway}` },
      admin: { listen: { port: admin } },
    };
    const names = new Set([...Object.keys(usual), ...Object.keys(over)]);
    const config = Object.fromEntries([...names].map((name) => [name, { ...usual[name], ...over[name] }]));
    writeFileSync(this.configFile, stringify(config), { mode: 0o600 });
  }

  /** Writes the registration of other options, or with other fields. */
  register(over: Partial<RegistrationOptions & Tokens>, fields: Readonly<Record<string, unknown>> = {}): void {
    const options = { id: 'volly', url: this.appserviceUrl, server: this.server, ...over };
    const text = registrationToYaml(buildRegistration(options, { ...this.tokens, ...over }));
    writeFileSync(this.registrationFile, stringify({ ...parse(text), ...fields }), { mode: 0o600 });
  }

  tellTurn(uris: readonly string[], secret = this.turn.secret): void {
    this.homeserver.turn = { uris, ttl: 3_600, ...turnCredentials(secret) };
  }

  /** A bridge runs, and is well. */
  async run(): Promise<void> {
    this.say({});
    await this.listen(this.tokens.hsToken);
  }

  /** What the running bridge says of itself, where that is not that all is well. */
  say(over: Partial<Status>, home: Partial<Status['homeserver']> = {}): void {
    const homeserver: Status['homeserver'] = {
      ...{ url: '', software: 'Synapse/1.163.2', way: 'as_token', proven: true, named: true, callsBack: 'yes' },
      ...{ ready: true, lastSyncAgeMs: 100, lagMs: 20 },
      ...home,
    };
    this.#status = { version: VERSION, server: this.server, uptimeMs: 60_000, counts: {}, peers: [], ...over, homeserver };
  }

  /** The bridge's endpoint for the homeserver. */
  async listen(hsToken: string): Promise<void> {
    await elsewhere(
      this,
      (request, response) => {
        if (request.url === '/live') response.end('{"live":true}');
        else response.writeHead(request.headers.authorization === `Bearer ${hsToken}` ? 200 : 403).end('{}');
      },
      this.ports.appservice,
    );
  }

  /** Bridges that answer a hello. */
  readonly awake = new Set<string>();

  #wake(): boolean {
    const heardAt = Date.now();
    this.say({ peers: [...this.awake].map((server) => ({ ...heard(server), heardAt })) });
    return true;
  }

  /** Laid over the real ports. */
  lay(over: Partial<DoctorPorts>): void {
    this.#overlay = over;
  }

  /** What the homeserver has loaded, where that is not our registration. */
  load(over: Partial<Loaded>): void {
    this.homeserver.loaded = { ...this.homeserver.loaded!, ...over };
  }

  /** What the homeserver's client API answers before all else. */
  answer(instead: (path: string) => Reply | undefined): void {
    this.homeserver.instead = instead;
  }

  shift(ms: number): void {
    this.homeserver.clockAheadMs = ms;
  }

  beSoftware(name: string): void {
    this.homeserver.software = name;
  }

  /** Another server, whose federation has this certificate. */
  async another(certificate: ServerCertificate): Promise<TestHomeserver> {
    const server = await TestHomeserver.start(certificate);
    this.end(() => server.stop());
    return server;
  }

  async door(over: Partial<DoorOptions> = {}): Promise<void> {
    this.end(await openDoor({ port: this.ports.gateway, server: this.server, seed: this.seed, ...over }));
  }

  async examine({ peers = [], fix = false }: { peers?: readonly ServerName[]; fix?: boolean } = {}): Promise<Finding[]> {
    const real = doctorPorts({ configFile: this.configFile, version: VERSION });
    const status = this.#status;
    const ports = {
      ...real,
      ...(status ? { askStatus: async () => this.#status ?? status, wakePeer: async () => this.#wake() } : {}),
      ...this.#overlay,
    };
    const found: Finding[] = [];
    for await (const finding of runDoctor({ ports, peers, fix })) found.push(finding);
    this.#leaksNothing(found);
    return found;
  }

  #leaksNothing(found: readonly Finding[]): void {
    const text = JSON.stringify(found);
    const password = String(this.homeserver.turn['password'] ?? this.tokens.asToken);
    for (const secret of [this.tokens.asToken, this.tokens.hsToken, toBase64url(this.seed), password])
      if (text.includes(secret)) throw new Error('a secret is told');
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}
