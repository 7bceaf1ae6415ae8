/** Two real Synapses that federate, each with a bridge user behind a registration of ours; no bridge runs. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { buildRegistration, newTokens, type Registration, registrationToYaml } from '../../src/config/registration.ts';
import { BRIDGE_DEVICE, bridgeUserOf, parseServerName, type ServerName } from '../../src/ids.ts';
import { BridgeAccess } from '../../src/matrix/access.ts';
import { HomeserverClient } from '../../src/matrix/client.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { silent } from '../matrix/receiver-contract.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';

export interface Home {
  readonly synapse: Synapse;
  readonly server: ServerName;
  readonly registration: Registration;
  readonly client: HomeserverClient;
  readonly access: BridgeAccess;
  /** Copies the database file; calling the result puts the copy back. Both only while the server is stopped. */
  backup(): Promise<() => Promise<void>>;
}

export interface TwoHomes {
  readonly orchid: Home;
  readonly iris: Home;
  close(): Promise<void>;
}

/** `appserviceUrl` gives where a homeserver finds its bridge; nobody needs to be there. */
export async function startTwoHomes(appserviceUrl = 'http://127.0.0.1:9'): Promise<TwoHomes> {
  const dir = await mkdtemp(join(tmpdir(), 'volly-federation-'));
  const authority = createAuthority();
  const start = async (name: string): Promise<Home> => {
    const synapse = await prepareSynapse({ name, dir: join(dir, name), authority });
    const server = parseServerName(synapse.serverName);
    const registration = buildRegistration({ id: 'volly', url: appserviceUrl, server }, newTokens(systemRandom));
    const file = join(dir, `${name}-registration.yaml`);
    await writeFile(file, registrationToYaml(registration));
    await synapse.start({ appservices: [file] });
    const client = new HomeserverClient({
      url: synapse.clientUrl,
      asToken: registration.as_token,
      userId: bridgeUserOf(server),
      deviceId: BRIDGE_DEVICE,
      clock: systemClock,
    });
    const access = new BridgeAccess({ client, server, id: registration.id, facts: memoryStores().facts, log: silent });
    await access.prepare();
    return { synapse, server, registration, client, access, backup: () => backup(synapse) };
  };
  const [orchid, iris] = await Promise.all([start('orchid'), start('iris')]);
  const close = async (): Promise<void> => {
    await Promise.all([orchid.synapse.stop(), iris.synapse.stop()]);
    await rm(dir, { recursive: true });
  };
  return { orchid, iris, close };
}

async function backup({ databasePath }: Synapse): Promise<() => Promise<void>> {
  const copy = `${databasePath}.backup`;
  await copyFile(databasePath, copy);
  return async () => {
    for (const suffix of ['-wal', '-shm']) await rm(databasePath + suffix, { force: true });
    await copyFile(copy, databasePath);
  };
}
