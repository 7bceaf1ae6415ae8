/** Builds the running bridge from its configuration. The only file that knows all rooms. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { dirname } from 'node:path';
import express from 'express';
import { systemClock, systemRandom } from './clock.ts';
import { loadRegistration } from './config/registration-file.ts';
import type { Config } from './config/schema.ts';
import { selectProvider } from './crypto/select.ts';
import { VollyError } from './errors.ts';
import { countedAs, forwardedAddress } from './gateway/address.ts';
import { loadCommunityKey } from './gateway/community-key.ts';
import { Directory } from './gateway/directory.ts';
import { Door } from './gateway/door.ts';
import { makeInvite } from './gateway/invite.ts';
import { makeCredential } from './gateway/legacy/credential.ts';
import { LegacyKeys } from './gateway/legacy/keys.ts';
import { Legacy } from './gateway/legacy/server.ts';
import { Gateway } from './gateway/server.ts';
import { memberShelf } from './gateway/shelf.ts';
import { BRIDGE_DEVICE, bridgeUserOf, type Localpart } from './ids.ts';
import { LIMITS } from './limits.ts';
import { BridgeAccess } from './matrix/access.ts';
import { appserviceRouter } from './matrix/appservice.ts';
import { HomeserverClient } from './matrix/client.ts';
import { GhostKeeper } from './matrix/ghost-keeper.ts';
import { Ghosts } from './matrix/libraries.ts';
import { SyncReceiver } from './matrix/receiver.ts';
import { ToDeviceCarrier } from './matrix/to-device.ts';
import { Transactions } from './matrix/transactions.ts';
import { withHealth } from './ops/health.ts';
import { listen } from './ops/listen.ts';
import { createLog } from './ops/log.ts';
import { createMetrics, type Metrics } from './ops/metrics.ts';
import { gaugesOf, withStatus } from './ops/status.ts';
import { statusReader } from './ops/status-reader.ts';
import { createJunction } from './routing/junction.ts';
import type { Carrier, Log } from './routing/ports.ts';
import { claimDatabase } from './storage/sqlite/claim.ts';
import { openSqlite } from './storage/sqlite/stores.ts';
import type { Stores } from './storage/types.ts';

export interface RunningBridge {
  /** Resolves with what no retry mends; the bridge should then be stopped. */
  readonly failed: Promise<VollyError>;
  /** Loses nothing; takes at most some seconds. */
  stop(): Promise<void>;
}

const clock = systemClock;
const random = systemRandom;

/**
 * Resolves once the bridge listens; the homeserver may still be away, which `/ready` tells. Throws `bad_config`, `placeholder_secret`,
 * `database`, `newer_schema`, `port_taken`.
 */
export async function startBridge(config: Config, version: string): Promise<RunningBridge> {
  const registration = loadRegistration(config);
  const own = config.homeserver.server_name;
  const { log, counters } = operatorView(config);
  const provider = selectProvider();
  const { promise: failed, resolve: onFatal } = Promise.withResolvers<VollyError>();
  // What has started, ended in reverse: what brings work first, what keeps it last.
  const started: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };

  try {
    const stores = openStores(config);
    started.push(() => stores.close());
    const release = claimDatabase(config.storage.path);
    started.unshift(async () => release());
    const community = await loadCommunityKey({ file: config.keys.path, server: own, provider, random });

    const client = new HomeserverClient({
      url: config.homeserver.url,
      asToken: registration.as_token,
      userId: bridgeUserOf(own),
      deviceId: BRIDGE_DEVICE,
      clock,
    });
    started.push(async () => client.close());
    const directory = new Directory();
    const legacyKeys = config.gateway.legacy
      ? new LegacyKeys({ provider, random, clock, community, facts: stores.facts })
      : undefined;
    const junction = createJunction({
      own,
      stores,
      carriers: config.carriers.map((one) => carrierOf(one, client)),
      doorway: directory,
      shelf: memberShelf(stores.members, clock, legacyKeys),
      policy: policyOf(config),
      arrived: () => receiver.arrived(),
      clock,
      random,
      counters,
      log,
    });
    await junction.start();
    started.push(() => junction.stop());

    const common = { journal: stores.journal, quarantine: stores.quarantine, clock, counters, log };
    const transactions = new Transactions({ ...common, handle: async () => {} }); // the admin room comes later
    await transactions.start();
    started.push(() => transactions.stop());

    const access = new BridgeAccess({ client, server: own, id: registration.id, facts: stores.facts, log });
    const receiver = new SyncReceiver({
      ...common,
      client,
      server: own,
      route: junction,
      access,
      onFatal,
      onBack: () => junction.greet(),
    });
    const hasMember = async (localpart: Localpart): Promise<boolean> => (await stores.members.kind(localpart)) !== undefined;
    const app = express().disable('x-powered-by');
    const hsToken = registration.hs_token;
    app.use(appserviceRouter({ hsToken, server: own, transactions, hasMember, counters, log }));
    const sockets = gatewayServer(config);
    const parts = { receiver, access, junction, quarantine: stores.quarantine, directory, sockets };
    const read = statusReader({ ...parts, version, server: own, url: config.homeserver.url, clock });
    counters.gauges(async () => gaugesOf(await read()));
    const health = withHealth({ homeserver: () => receiver.state.ready }, counters, withStatus({ hsToken, read }, app));
    const appservice = await listen(createServer(health), config.appservice.listen);
    started.push(() => appservice.close());

    const { members, invites, tickets, facts } = stores;
    const addressOf = forwardedAddress(config.gateway.trusted_proxies);
    const doorway = {
      provider,
      random,
      clock,
      community,
      members,
      route: junction,
      mailbox: junction.mailbox,
      directory,
      log,
      counters,
    };
    const gateway = new Gateway({ ...doorway, invites, tickets, addressOf });
    const legacyDoor = new Door();
    const enter = (request: IncomingMessage) => legacyDoor.enter(countedAs(addressOf(request)));
    const legacy = legacyKeys && new Legacy({ ...doorway, keys: legacyKeys, facts, enter });
    // Before a handshake counts them, sockets are only sockets: more than this is nobody's members.
    sockets.maxConnections = LIMITS.connections;
    gateway.attach(sockets, legacy);
    const door = await listen(sockets, config.gateway.listen);
    started.push(async () => {
      await legacy?.stop();
      await gateway.stop();
      await door.close();
    });

    const ghosts = new Ghosts({ registration, homeserverUrl: config.homeserver.url, server: own });
    const keeper = new GhostKeeper({
      server: own,
      members,
      facts,
      ensure: (...who) => ghosts.ensure(...who),
      clock,
      counters,
      log,
    });
    keeper.start();
    started.push(async () => {
      await keeper.stop();
      await ghosts.close();
    });
    await receiver.start();
    started.push(() => receiver.stop());
    return { failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ends TLS itself only where the configuration has a certificate; everything but an upgrade is answered with 426. */
function gatewayServer({ gateway: { tls } }: Config): Server | SecureServer {
  const answer: RequestListener = (_request, response) =>
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end();
  if (!tls) return createServer(answer);
  try {
    return createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, answer);
  } catch (error) {
    throw new VollyError('bad_config', `gateway.tls: ${(error as Error).message}`, { cause: error });
  }
}

/** The link of a new invite. Works beside a running bridge. Throws `bad_config`, `database`. */
export async function inviteMember(config: Config, localpart: Localpart): Promise<string> {
  const stores = openStores(config);
  try {
    const community = await loadCommunityKey({
      file: config.keys.path,
      server: config.homeserver.server_name,
      provider: selectProvider(),
      random,
    });
    const { link } = await makeInvite({
      invites: stores.invites,
      random,
      clock,
      publicUrl: config.gateway.public_url,
      community,
      localpart,
    });
    return link;
  } finally {
    await stores.close();
  }
}

/**
 * The credential of a legacy member, which it makes one where there is none of that name. Works beside a running bridge. Throws
 * `legacy_disabled`, `name_taken`, `database`.
 */
export async function legacyCredential(config: Config, localpart: Localpart): Promise<string> {
  if (!config.gateway.legacy) throw new VollyError('legacy_disabled', 'gateway.legacy is false');
  const stores = openStores(config);
  try {
    return await makeCredential({ members: stores.members, facts: stores.facts, random, clock, localpart });
  } finally {
    await stores.close();
  }
}

function openStores({ storage }: Config): Stores {
  try {
    mkdirSync(dirname(storage.path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new VollyError('database', `${dirname(storage.path)} cannot be made (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
  return openSqlite({ file: storage.path, clock });
}

function carrierOf({ kind, timeout_ms: timeoutMs }: Config['carriers'][number], client: HomeserverClient): Carrier {
  switch (kind) {
    case 'to_device':
      return new ToDeviceCarrier({ client, clock, timeoutMs });
  }
}

/** In the configuration no `allow` and an empty one are the same: everybody. */
const policyOf = ({ policy: { allow, deny } }: Config) => ({ deny, ...(allow.length > 0 ? { allow } : {}) });

function operatorView({ logging }: Config): { log: Log; counters: Metrics } {
  const pino = createLog({ level: logging.level });
  return {
    log: { info: (event, fields) => pino.info(fields ?? {}, event), warn: (event, fields) => pino.warn(fields ?? {}, event) },
    counters: createMetrics(),
  };
}
