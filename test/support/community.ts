/**
 * A whole community for the demo, the federation tests and the benches: a real homeserver and a real `volly-bridge` process, set up the way
 * the README tells an operator to. With `tapped`, everything that passes between bridge and homeserver and between homeservers is kept.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { TestAuthority } from './homeserver/certificates.ts';
import type { Overrides } from './homeserver/config.ts';
import { prepareDendrite } from './homeserver/dendrite.ts';
import type { Homeserver } from './homeserver/homeserver.ts';
import type { Progress } from './homeserver/install.ts';
import { reservePorts } from './homeserver/ports.ts';
import { prepareSynapse, Synapse } from './homeserver/synapse.ts';
import { type Exchange, startTap, type Tap } from './tap.ts';

/** What `npx volly-bridge` runs. */
const OWN_PROGRAM = new URL('../../src/bin.js', import.meta.url).pathname;
/** As `npm start`, the systemd unit and the image start it: docs/OPERATIONS.md says why. */
const NODE_ARGS = ['--max-semi-space-size=8'];
const READY_MS = 30_000;
const STOP_MS = 10_000;
const run = promisify(execFile);

/** A proxy of a test's, where something passes. */
export interface Way {
  readonly port: number;
  stop(): Promise<void>;
}

export interface Ways {
  /** Between the bridge and its homeserver, which serves `target`. */
  readonly homeserver?: (target: number) => Promise<Way>;
  /** Between the homeserver and the bridge's appservice endpoint, which serves `target`. */
  readonly appservice?: (target: number) => Promise<Way>;
  /** Before the homeserver's federation: listens on `port`, the public one. */
  readonly federation?: (port: number, target: number) => Promise<Way>;
}

export interface Readiness {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, boolean>>;
}

export interface CommunityOptions {
  readonly name: string;
  readonly dir: string;
  readonly authority: TestAuthority;
  /** Synapse unless given. */
  readonly homeserver?: 'synapse' | 'dendrite';
  readonly tapped?: boolean;
  readonly onExchange?: (exchange: Exchange) => void;
  /** In place of the taps. */
  readonly ways?: Ways;
  /** Another build's `src/bin.js`. */
  readonly program?: string;
  /** Of the bridge's node. */
  readonly nodeArgs?: readonly string[];
  readonly progress?: Progress;
  /** Laid over the gateway's section of the configuration. */
  readonly gateway?: Readonly<Record<string, unknown>>;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly logging?: Readonly<Record<string, unknown>>;
  /** Laid over Synapse's own settings. */
  readonly synapse?: Overrides;
}

export class Community {
  readonly name: string;
  readonly homeserver: Homeserver;
  readonly dir: string;
  readonly configPath: string;
  readonly registrationPath: string;
  readonly databasePath: string;
  readonly keyPath: string;
  readonly logPath: string;
  readonly taps: readonly Tap[];
  readonly #ports: { appservice: number; gateway: number };
  readonly #ways: readonly Way[];
  readonly #program: string;
  readonly #nodeArgs: readonly string[];
  #bridge: ChildProcess | undefined;

  constructor(
    options: CommunityOptions,
    homeserver: Homeserver,
    ports: { appservice: number; gateway: number },
    ways: readonly (Tap | Way)[],
  ) {
    this.name = options.name;
    this.dir = options.dir;
    this.homeserver = homeserver;
    this.configPath = join(options.dir, 'config.yaml');
    this.registrationPath = join(options.dir, 'data/registration.yaml');
    this.databasePath = join(options.dir, 'data/volly.db');
    this.keyPath = join(options.dir, 'data/community.key');
    this.logPath = join(options.dir, 'bridge.log');
    this.taps = ways.filter((way): way is Tap => 'exchanges' in way);
    this.#ways = ways;
    this.#program = options.program ?? OWN_PROGRAM;
    this.#nodeArgs = options.nodeArgs ?? [];
    this.#ports = ports;
  }

  get serverName(): string {
    return this.homeserver.serverName;
  }

  /** Where a test is about Synapse itself: its tables, its admin API. */
  get synapse(): Synapse {
    if (this.homeserver instanceof Synapse) return this.homeserver;
    throw new Error(`the homeserver of ${this.name} is no Synapse`);
  }

  get gatewayUrl(): string {
    return `ws://127.0.0.1:${this.#ports.gateway}`;
  }

  get bridgePid(): number | undefined {
    return this.#bridge?.pid;
  }

  get exchanges(): readonly Exchange[] {
    return this.taps.flatMap((tap) => tap.exchanges);
  }

  /** One run of `volly-bridge …`, with this community's configuration. Rejects with the command's one line. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [this.#program, ...args, '--config', this.configPath]);
    return stdout;
  }

  /** The link that `volly-bridge member invite` prints. */
  async invite(localpart: string): Promise<string> {
    const link = /volly\+\S+/.exec(await this.command('member', 'invite', localpart))?.[0];
    if (!link) throw new Error('no link in what `member invite` printed');
    return link;
  }

  /** Resolves when the bridge says that it is ready: homeserver and database both. */
  async startBridge(): Promise<void> {
    const log = createWriteStream(this.logPath, { flags: 'a' });
    const child = spawn(
      process.execPath,
      [...NODE_ARGS, ...this.#nodeArgs, this.#program, 'start', '--config', this.configPath],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#bridge = child;
    endWithParent.add(child);
    child.once('exit', () => {
      endWithParent.delete(child);
      if (this.#bridge === child) this.#bridge = undefined;
    });
    const deadline = performance.now() + READY_MS;
    while (!(await this.isReady())) {
      if (this.#bridge !== child || performance.now() > deadline) {
        const text = await readFile(this.logPath, 'utf8').catch(() => '');
        await this.stopBridge('SIGKILL');
        throw new Error(`the bridge of ${this.name} did not become ready:\n${text.split('\n').slice(-25).join('\n')}`);
      }
      await sleep(25);
    }
  }

  /** What the bridge has counted since its start: name with labels → how often. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${this.#ports.appservice}/metrics`)).text();
    return new Map([...text.matchAll(/^volly_(\S+) (\d+)$/gm)].map(([, name, value]) => [name as string, Number(value)]));
  }

  async isReady(): Promise<boolean> {
    return (await this.readiness())?.ready ?? false;
  }

  /** What `/ready` says, or `/ready?all`; undefined where nobody answers. */
  async readiness(query = ''): Promise<Readiness | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#ports.appservice}/ready${query}`);
      return { ...((await answer.json()) as Readiness), ready: answer.status === 200 };
    } catch {
      return undefined;
    }
  }

  async stopBridge(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#bridge;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(late);
  }

  async stop(): Promise<void> {
    await this.stopBridge();
    await this.homeserver.stop();
    await Promise.all(this.#ways.map((way) => way.stop()));
  }
}

/** Bridges of a test that is interrupted end with it. */
const endWithParent = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of endWithParent) child.kill('SIGKILL');
});

interface WaysIn {
  readonly homeserver?: Tap | Way | undefined;
  readonly federation?: Tap | Way | undefined;
}

async function startWays(options: CommunityOptions, server: Homeserver): Promise<WaysIn> {
  const { onExchange, authority, name, ways } = options;
  const clientPort = Number(new URL(server.clientUrl).port);
  if (ways) {
    const federation = ways.federation?.(server.federationPort, server.federationTarget);
    return { homeserver: await ways.homeserver?.(clientPort), federation: await federation };
  }
  if (!options.tapped) return {};
  const observed = onExchange ? { onExchange } : {};
  const [homeserver, federation] = await Promise.all([
    startTap({ name: `${name} bridge`, target: clientPort, ...observed }),
    startTap({
      name: `${name} federation`,
      port: server.federationPort,
      target: server.federationTarget,
      tls: { ...authority.issue(), ca: authority.certificate },
      ...observed,
    }),
  ]);
  return { homeserver, federation };
}

/** Makes and starts a community, from an empty folder to a bridge that is ready. */
export async function startCommunity(options: CommunityOptions): Promise<Community> {
  await mkdir(options.dir, { recursive: true });
  const { name, dir, authority, ways, progress } = options;
  const tapped = ways ? ways.federation !== undefined : (options.tapped ?? false);
  const prepare = options.homeserver === 'dendrite' ? prepareDendrite : prepareSynapse;
  const server = await prepare({
    name,
    dir: join(dir, options.homeserver ?? 'synapse'),
    authority,
    tapped,
    ...(options.synapse ? { overrides: options.synapse } : {}),
    ...(progress ? { progress } : {}),
  });
  const [appservice, gateway, admin] = await reservePorts();
  const { homeserver, federation } = await startWays(options, server);
  const back = await ways?.appservice?.(appservice);
  const between = [homeserver, federation, back].filter((way) => way !== undefined);
  const community = new Community(options, server, { appservice, gateway }, between);
  const config = {
    homeserver: { url: homeserver ? `http://127.0.0.1:${homeserver.port}` : server.clientUrl, server_name: server.serverName },
    appservice: { url: `http://127.0.0.1:${back?.port ?? appservice}`, listen: { port: appservice } },
    gateway: { listen: { port: gateway }, public_url: community.gatewayUrl, ...options.gateway },
    admin: { listen: { port: admin } },
    ...(options.policy ? { policy: options.policy } : {}),
    ...(options.logging ? { logging: options.logging } : {}),
  };
  await writeFile(community.configPath, stringify(config));
  await community.command('registration');
  await server.start({ appservices: [community.registrationPath] });
  await community.startBridge();
  return community;
}
