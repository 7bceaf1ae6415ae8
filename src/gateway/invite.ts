/** Makes invites. PROTOCOL.md section 14.6. */
import type { Clock, RandomBytes } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import { type Localpart, memberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { TOKEN_BYTES } from '../protocol/handshake.ts';
import type { Community } from '../protocol/handshake-server.ts';
import { formatInvite, gatewayUrl } from '../protocol/invite.ts';
import type { InviteStore } from '../storage/types.ts';

/**
 * A link that enrols this one name once within 7 days. It is the only copy of its token: whoever is to have it gets it by a way
 * that others do not read. Throws `bad_config` for a public URL that does not fit, `database`.
 */
export async function makeInvite(options: {
  readonly invites: InviteStore;
  readonly random: RandomBytes;
  readonly clock: Pick<Clock, 'now'>;
  readonly publicUrl: string;
  readonly community: Pick<Community, 'server' | 'hash'>;
  readonly localpart: Localpart;
}): Promise<{ readonly link: string; readonly expires: number }> {
  const { invites, random, clock, community, localpart } = options;
  const token = random(TOKEN_BYTES);
  const member = memberId(localpart, community.server);
  const gateway = gatewayUrl(options.publicUrl);
  const link = formatInvite({ gateway, member, communityKeyHash: community.hash as Uint8Array<ArrayBuffer>, token });
  const expires = clock.now() + LIMITS.inviteLifeMs;
  await invites.add({ hash: sha256(token), member: localpart, expires });
  return { link, expires };
}
