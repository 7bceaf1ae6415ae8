/** What lets members in, made by a running bridge or, where none runs, by a command on its database. */
import { systemClock, systemRandom } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { selectProvider } from '../crypto/select.ts';
import { VollyError } from '../errors.ts';
import { loadCommunityKey } from '../gateway/community-key.ts';
import { makeInvite } from '../gateway/invite.ts';
import { makeCredential } from '../gateway/legacy/credential.ts';
import type { Operation } from '../ops/admin/operation.ts';
import type { AdminPorts, MakerPorts } from '../ops/admin/ports.ts';
import { checked } from '../ops/admin/run.ts';
import type { Community } from '../protocol/handshake-server.ts';
import type { Stores } from '../storage/types.ts';
import { openStores } from './stores.ts';

const [clock, random] = [systemClock, systemRandom];

/** `config` is asked each time: it may be another after a reload. */
export function makerPorts(
  config: () => Config,
  stores: Stores,
  community: () => Promise<Pick<Community, 'server' | 'hash'>>,
): MakerPorts {
  const { members, invites, facts } = stores;
  return {
    server: config().homeserver.server_name,
    clock,
    stores,
    async makeInvite(localpart) {
      const publicUrl = config().gateway.public_url;
      return makeInvite({ invites, random, clock, publicUrl, community: await community(), localpart });
    },
    async makeCredential(localpart) {
      if (!config().gateway.legacy) throw new VollyError('legacy_disabled', 'gateway.legacy is false');
      return makeCredential({ members, facts, random, clock, localpart });
    },
  };
}

/** Performs one of the operations that need no running bridge. Throws `bad_config`, `database`, and what the operation throws. */
export async function performOffline(config: Config, operation: Operation, params: unknown): Promise<unknown> {
  const stores = openStores(config);
  try {
    const key = { file: config.keys.path, server: config.homeserver.server_name, provider: selectProvider(), random };
    const ports = makerPorts(
      () => config,
      stores,
      () => loadCommunityKey(key),
    );
    return await operation.perform(ports as AdminPorts, checked(operation, params));
  } finally {
    await stores.close();
  }
}
