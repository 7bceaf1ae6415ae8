/** What commands do with members, beside a running bridge or without one. */
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { selectProvider } from '../crypto/select.ts';
import { VollyError } from '../errors.ts';
import { loadCommunityKey } from '../gateway/community-key.ts';
import { makeInvite } from '../gateway/invite.ts';
import { makeCredential } from '../gateway/legacy/credential.ts';
import type { Localpart } from '../ids.ts';
import { openStores } from './stores.ts';

/** The link of a new invite. Throws `bad_config`, `database`. */
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
 * The credential of a legacy member, which it makes one where there is none of that name. Throws `legacy_disabled`, `name_taken`,
 * `database`.
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
