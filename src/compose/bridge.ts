/** Builds the running bridge from its configuration. */
import { createServer } from 'node:http';
import express from 'express';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { loadRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import { openSecrets } from '../config/secret-file.ts';
import { selectProvider } from '../crypto/select.ts';
import type { VollyError } from '../errors.ts';
import { loadCommunityKey } from '../gateway/community-key.ts';
import { Directory } from '../gateway/directory.ts';
import { LegacyKeys } from '../gateway/legacy/keys.ts';
import { memberShelf } from '../gateway/shelf.ts';
import { BRIDGE_DEVICE, bridgeUserOf, deviceOf, ghostOf, type Localpart, localpartOf, memberOf } from '../ids.ts';
import { BridgeAccess } from '../matrix/access.ts';
import { appserviceRouter } from '../matrix/appservice.ts';
import { HomeserverClient } from '../matrix/client.ts';
import { endGhost } from '../matrix/end-ghost.ts';
import { GhostKeeper } from '../matrix/ghost-keeper.ts';
import { Ghosts } from '../matrix/libraries.ts';
import { Pulse } from '../matrix/pulse.ts';
import { SyncReceiver } from '../matrix/receiver.ts';
import { ToDeviceCarrier } from '../matrix/to-device.ts';
import { listen } from '../ops/listen.ts';
import { statusReader } from '../ops/status-reader.ts';
import { createJunction } from '../routing/junction.ts';
import type { Carrier } from '../routing/ports.ts';
import { claimDatabase } from '../storage/sqlite/claim.ts';
import { adminPorts, openAdmin } from './admin.ts';
import { openAdminRoom } from './admin-room.ts';
import { gatewayServer, openDoors } from './doors.ts';
import { makerPorts } from './members.ts';
import { operatorDoor, operatorView } from './operator.ts';
import { policyOf } from './policy.ts';
import { Settings } from './reload.ts';
import { openStores } from './stores.ts';

export interface RunningBridge {
  /** Resolves with what no retry mends; the bridge should then be stopped. */
  readonly failed: Promise<VollyError>;
  /** Takes over what of the changed configuration a running bridge can. Says in the log what that was, or why it was nothing. */
  reload(load: () => Config): void;
  /** Loses nothing; takes at most some seconds. */
  stop(): Promise<void>;
}

/**
 * Resolves once the bridge listens; the homeserver may still be away, which `/ready` tells. Throws `bad_config`, `placeholder_secret`,
 * `database`, `newer_schema`, `port_taken`.
 */
export async function startBridge(config: Config, version: string): Promise<RunningBridge> {
  const registration = loadRegistration(config);
  const settings = new Settings(config);
  const own = config.homeserver.server_name;
  const { log, counters, steps, database } = operatorView(settings, { version, clock });
  for (const file of openSecrets(config)) log.warn('everybody on this machine may read this file', { file });
  const provider = selectProvider();
  const { promise: failed, resolve: onFatal } = Promise.withResolvers<VollyError>();
  // What has started, ended in reverse: what brings work first, what keeps it last.
  const started: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };

  try {
    const stores = openStores(config, database);
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
    const directory = new Directory((device) => {
      const member = localpartOf(memberOf(device));
      stores.roll.seen(member, deviceOf(device), clock.now()).catch(() => {}); // a day that the operator is not shown
    });
    const legacyKeys = config.gateway.legacy
      ? new LegacyKeys({ provider, random, clock, community, facts: stores.facts })
      : undefined;
    const junction = createJunction({
      own,
      stores,
      carriers: config.carriers.map((one) => carrierOf(one, client)),
      doorway: directory,
      shelf: memberShelf(stores.members, clock, legacyKeys),
      arrived: () => receiver.arrived(),
      clock,
      random,
      counters,
      log,
      steps,
    });
    settings.follow((now) => junction.setPolicy(policyOf(now)));
    await junction.start();
    started.push(() => junction.stop());

    const common = { journal: stores.journal, quarantine: stores.quarantine, clock, counters, log };
    const access = new BridgeAccess({ client, server: own, facts: stores.facts, log });
    const receiver = new SyncReceiver({
      ...common,
      client,
      server: own,
      route: junction,
      access,
      onFatal,
      onBack: () => junction.greet(),
    });
    const pulse = new Pulse({ client, id: registration.id, clock, log, onBack: () => receiver.nudge() });
    const sockets = gatewayServer(settings);
    const parts = {
      receiver,
      access,
      pulse,
      junction,
      quarantine: stores.quarantine,
      directory,
      sockets,
      facts: stores.facts,
    };
    const operator = { ...parts, version, server: own, url: config.homeserver.url, clock, counters, database };
    const read = statusReader(operator);

    const { members, invites, tickets, facts, roll } = stores;
    const within = { provider, random, clock, community, route: junction, mailbox: junction.mailbox, directory, log, counters };
    const doors = await openDoors(settings, sockets, { ...within, members, invites, tickets, facts }, legacyKeys);
    started.push(() => doors.close());

    const ghosts = new Ghosts({ registration, homeserverUrl: config.homeserver.url, server: own });
    const keeper = new GhostKeeper({
      server: own,
      members,
      roll,
      facts,
      ensure: (...who) => ghosts.ensure(...who),
      end: (member) => endGhost(client, ghostOf(member)),
      clock,
      counters,
      log,
    });
    keeper.start();
    started.push(async () => {
      await keeper.stop();
      await ghosts.close();
    });
    const makers = makerPorts(
      () => settings.now,
      stores,
      async () => community,
    );
    const ports = adminPorts({ makers, stores, clock, directory, junction, keeper, expel: doors.expel, status: read });
    started.push(await openAdmin(config, { ports, log }, random));

    const admins = () => settings.now.admin.users;
    const room = await openAdminRoom({ stores, client, server: own, admins, ports, clock, counters, log });
    started.push(() => room.close());
    const { transactions } = room;
    const hasMember = async (localpart: Localpart): Promise<boolean> => (await members.kind(localpart)) !== undefined;
    const app = express().disable('x-powered-by');
    app.use(appserviceRouter({ hsToken: registration.hs_token, server: own, transactions, hasMember, counters, log }));
    const appservice = await listen(createServer(operatorDoor({ ...operator, read }, app)), config.appservice.listen);
    started.push(() => appservice.close());

    await receiver.start();
    started.push(() => receiver.stop());
    pulse.start();
    started.push(() => pulse.stop());
    return { failed, reload: (load) => settings.reload(load, log), stop };
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
