/** Two real homeservers that federate, each with a bridge user behind a registration of ours; no bridge runs. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
import { prepareDendrite } from '../support/homeserver/dendrite.ts';
import type { Homeserver } from '../support/homeserver/homeserver.ts';
import { prepareSynapse } from '../support/homeserver/synapse.ts';

export interface Home {
  readonly homeserver: Homeserver;
  readonly server: ServerName;
  readonly registration: Registration;
  readonly client: HomeserverClient;
  readonly access: BridgeAccess;
  /** Copies the databases; calling the result puts the copies back. Both only while the server is stopped. */
  backup(): Promise<() => Promise<void>>;
}

export interface TwoHomes {
  readonly orchid: Home;
  readonly iris: Home;
  close(): Promise<void>;
}

const PREPARE = { synapse: prepareSynapse, dendrite: prepareDendrite };
type Program = keyof typeof PREPARE;

/** Where homeservers are told to find their bridges: nobody is there. */
const NOBODY = 'http://127.0.0.1:9';

/** Synapse where none is named. */
export interface Programs {
  readonly orchid?: Program;
  readonly iris?: Program;
}

export async function startTwoHomes(programs: Programs = {}): Promise<TwoHomes> {
  const dir = await mkdtemp(join(tmpdir(), 'volly-federation-'));
  const authority = createAuthority();
  const start = async (name: 'orchid' | 'iris'): Promise<Home> => {
    const homeserver = await PREPARE[programs[name] ?? 'synapse']({ name, dir: join(dir, name), authority });
    const server = parseServerName(homeserver.serverName);
    const registration = buildRegistration({ id: 'volly', url: NOBODY, server }, newTokens(systemRandom));
    const file = join(dir, `${name}-registration.yaml`);
    await writeFile(file, registrationToYaml(registration));
    await homeserver.start({ appservices: [file] });
    const client = new HomeserverClient({
      url: homeserver.clientUrl,
      asToken: registration.as_token,
      userId: bridgeUserOf(server),
      deviceId: BRIDGE_DEVICE,
      clock: systemClock,
    });
    const access = new BridgeAccess({ client, server, facts: memoryStores().facts, log: silent });
    await access.prepare();
    return { homeserver, server, registration, client, access, backup: () => backup(homeserver) };
  };
  const [orchid, iris] = await Promise.all([start('orchid'), start('iris')]);
  const close = async (): Promise<void> => {
    await Promise.all([orchid.homeserver.stop(), iris.homeserver.stop()]);
    await rm(dir, { recursive: true });
  };
  return { orchid, iris, close };
}

/** Everything that it keeps: for Dendrite several databases and the folder of its queue. */
async function backup({ dir }: Homeserver): Promise<() => Promise<void>> {
  const copy = `${dir}.backup`;
  await rm(copy, { recursive: true, force: true });
  await cp(dir, copy, { recursive: true });
  return async () => {
    await rm(dir, { recursive: true });
    await cp(copy, dir, { recursive: true });
  };
}
