/** With which keys a client starts: those of its store, or new ones by an invite or an approval. */
import { VollyError } from '../errors.ts';
import { parseInvite } from '../protocol/invite.ts';
import { type Account, loadAccount, saveAccount } from './account.ts';
import { enrolApproved, enrolInvited, isEnrolling, type Tools } from './enrol.ts';
import { Keys } from './keys.ts';
import type { Store } from './store.ts';

/** How a device comes in that is not in yet: see ConnectOptions. */
export interface Entry {
  readonly invite?: string | undefined;
  readonly approval?: string | undefined;
  readonly device?: string | undefined;
}

/**
 * `enrolled` = the community has let this device in before; until then a newer invite takes the place of one that failed. Throws
 * `bad_invite`, `not_enrolled` without a way in, and what the store throws.
 */
export async function openKeys(
  tools: Tools,
  entry: Entry,
  now: number,
): Promise<{ readonly keys: Keys; readonly enrolled: boolean }> {
  const { store, provider } = tools;
  const account = await loadAccount(store, provider);
  const enrolled = account !== undefined && !(await isEnrolling(store));
  const own = account && !enrolled && entry.invite !== undefined ? await invitedAgain(store, account, entry.invite) : account;
  const stored = own && (await Keys.load({ ...tools, account: own }));
  return { keys: stored ?? (await enrol(tools, entry, now)), enrolled };
}

/** With the same keys: perhaps the community has them, and only its word was lost. Undefined for another member's invite. */
async function invitedAgain(store: Store, account: Account, link: string): Promise<Account | undefined> {
  const { gateway, member, communityKeyHash, token } = parseInvite(link);
  if (member !== account.member) return undefined;
  const again = { ...account, community: { url: gateway, keyHash: communityKeyHash }, token };
  await saveAccount(store, again);
  return again;
}

async function enrol(tools: Tools, { approval, invite, device }: Entry, now: number): Promise<Keys> {
  if (approval !== undefined) return enrolApproved(tools, approval, now);
  if (invite !== undefined) return enrolInvited(tools, invite, device, now);
  throw new VollyError('not_enrolled', 'the store is empty, and there is neither invite nor approval');
}
