/** With which keys a client starts: those of its store, or new ones by an invite or an approval. */
import { equal } from '../bytes.ts';
import { codeOf, VollyError } from '../errors.ts';
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

/**
 * Runs `start`. Where the gateway holds another key than the pinned one, and no successor led there, a newer invite may say which it is now
 * (PROTOCOL.md section 14.7): then once more with that. Throws as `start` does.
 */
export async function startWithInvite<T>(tools: Tools, link: string | undefined, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const before = codeOf(error) === 'wrong_community' && link !== undefined ? await takeInvite(tools, link) : undefined;
    if (!before) throw error;
    return await start().catch(async (again) => {
      if (codeOf(again) === 'wrong_community') await saveAccount(tools.store, before);
      throw again;
    });
  }
}

/** Returns the account as it was; undefined for an invite that says nothing new, and for what is none. */
async function takeInvite({ store, provider }: Tools, link: string): Promise<Account | undefined> {
  const account = await loadAccount(store, provider);
  try {
    const { gateway, member, communityKeyHash: keyHash, token } = parseInvite(link);
    if (!account || member !== account.member || equal(keyHash, account.community.keyHash)) return undefined;
    // The app may give it each time: it must not lead back to a key that has had successors.
    if (account.token && equal(token, account.token)) return undefined;
    await saveAccount(store, { ...account, community: { url: gateway, keyHash }, token });
    return account;
  } catch (error) {
    if (error instanceof VollyError) return undefined;
    throw error;
  }
}

async function enrol(tools: Tools, { approval, invite, device }: Entry, now: number): Promise<Keys> {
  if (approval !== undefined) return enrolApproved(tools, approval, now);
  if (invite !== undefined) return enrolInvited(tools, invite, device, now);
  throw new VollyError('not_enrolled', 'the store is empty, and there is neither invite nor approval');
}
