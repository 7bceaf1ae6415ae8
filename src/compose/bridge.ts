/** Builds the running bridge from its configuration. */
import { createServer } from 'node:http';
import express from 'express';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { loadRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import { selectProvider } from '../crypto/select.ts';
import type { VollyError } from '../errors.ts';
import { loadCommunityKey } from '../gateway/community-key.ts';
import { Directory } from '../gateway/directory.ts';
import { LegacyKeys } from '../gateway/legacy/keys.ts';
import { memberShelf } from '../gateway/shelf.ts';
import { BRIDGE_DEVICE, bridgeUserOf, type Localpart } from '../ids.ts';
import { BridgeAccess } from '../matrix/access.ts';
import { appserviceRouter } from '../matrix/appservice.ts';
import { HomeserverClient } from '../matrix/client.ts';
import { GhostKeeper } from '../matrix/ghost-keeper.ts';
import { Ghosts } from '../matrix/libraries.ts';
import { SyncReceiver } from '../matrix/receiver.ts';
import { ToDeviceCarrier } from '../matrix/to-device.ts';
import { Transactions } from '../matrix/transactions.ts';
import { listen } from '../ops/listen.ts';
import { createJunction } from '../routing/junction.ts';
import type { Carrier } from '../routing/ports.ts';
import { claimDatabase } from '../storage/sqlite/claim.ts';
import { gatewayServer, openDoors } from './doors.ts';
import { operatorDoor, operatorView } from './operator.ts';
import { openStores } from './stores.ts';

export interface RunningBridge {
  /** Resolves with what no retry mends; the bridge should then be stopped. */
  readonly failed: Promise<VollyError>;
  /** Loses nothing; takes at most some seconds. */
  stop(): Promise<void>;
}

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
    const operator = { ...parts, version, server: own, url: config.homeserver.url, clock, counters, hsToken };
    const appservice = await listen(createServer(operatorDoor(operator, app)), config.appservice.listen);
    started.push(() => appservice.close());

    const { members, invites, tickets, facts } = stores;
    const within = { provider, random, clock, community, route: junction, mailbox: junction.mailbox, directory, log, counters };
    started.push(await openDoors(config, sockets, { ...within, members, invites, tickets, facts }, legacyKeys));

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

function carrierOf({ kind, timeout_ms: timeoutMs }: Config['carriers'][number], client: HomeserverClient): Carrier {
  switch (kind) {
    case 'to_device':
      return new ToDeviceCarrier({ client, clock, timeoutMs });
  }
}

/** In the configuration no `allow` and an empty one are the same: everybody. */
const policyOf = ({ policy: { allow, deny } }: Config) => ({ deny, ...(allow.length > 0 ? { allow } : {}) });
