/** What the command does with the community's key while no bridge runs. */
import { systemRandom as random } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { selectProvider } from '../crypto/select.ts';
import { readCommunityKey, succeedCommunityKey } from '../gateway/community-key.ts';
import { claimDatabase } from '../storage/sqlite/claim.ts';
import { openStores } from './stores.ts';

export interface KeyView {
  /** H(community key), 32 bytes: what apps pin. */
  readonly hash: Uint8Array;
  /** Earlier keys from which apps follow. */
  readonly predecessors: number;
}

/** Throws `bad_config`, also where there is none yet. */
export async function communityKey({ keys, homeserver }: Config): Promise<KeyView> {
  const { hash, successors } = await read({ keys, homeserver });
  return { hash, predecessors: successors.length };
}

/** A successor takes the place of the key, and all tickets go. Throws `bad_config`; `database`, also while a bridge runs. */
export async function rotateCommunityKey(config: Config): Promise<KeyView> {
  const release = claimDatabase(config.storage.path);
  try {
    const stores = openStores(config);
    try {
      // First: tickets outliving the key would let apps in that prove it is them to a bridge that proves nothing.
      await stores.tickets.revokeAll();
      const key = await read(config);
      await succeedCommunityKey(config.keys.path, key, { provider: selectProvider(), random, now: Date.now() });
    } finally {
      await stores.close();
    }
  } finally {
    release();
  }
  return communityKey(config);
}

const read = ({ keys, homeserver }: Pick<Config, 'keys' | 'homeserver'>) =>
  readCommunityKey({ file: keys.path, server: homeserver.server_name, provider: selectProvider() });
