/**
 * Coming into a community: by an invite as a member's first device, or approved by it as another. The two blobs of the latter travel as the
 * user likes (PROTOCOL.md section 5.6): the request is public, the approval too, and what either claims is signed or hashed.
 */
import { type Bytes, fromBase64url, toBase64url } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type DeviceId, type MemberId, parseDeviceId, parseMemberId } from '../ids.ts';
import { asArray, asBytes, asText, decodeCbor, encodeCbor } from '../protocol/cbor.ts';
import { parseInvite } from '../protocol/invite.ts';
import { decodeList, type Signed } from '../protocol/list.ts';
import { HASH_BYTES } from '../protocol/suite.ts';
import { type Community, makeAccount, newCompositeSeed, newDeviceId, saveAccount } from './account.ts';
import { Keys, type KeysDeps } from './keys.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

export interface DeviceRequest {
  readonly member: MemberId;
  readonly device: DeviceId;
  /** H(DIK) of the new device. */
  readonly dikHash: Bytes;
}

export interface Approval {
  readonly community: Community;
  /** The member's list with the new device in it. */
  readonly list: Signed;
}

/** A record of this name stands beside an account that its community has not let in yet. */
const ENROLLING = 'enrolling';

const REQUEST = 'volly-device:';
const APPROVAL = 'volly-approval:';

function unblob(text: string, prefix: string): Bytes {
  const bytes = text.startsWith(prefix) ? fromBase64url(text.slice(prefix.length).trim()) : undefined;
  if (!bytes) throw new VollyError('bad_invite', `not a ${prefix.slice(0, -1)}`);
  return bytes;
}

const formatRequest = ({ member, device, dikHash }: DeviceRequest): string =>
  REQUEST + toBase64url(encodeCbor([member, device, dikHash]));

/** Throws `bad_invite`, `bad_encoding`, `bad_address`. */
export function parseRequest(text: string): DeviceRequest {
  const fields = asArray(decodeCbor(unblob(text, REQUEST)), 'request', 3);
  return {
    member: parseMemberId(asText(fields[0], 'member')),
    device: parseDeviceId(asText(fields[1], 'device')),
    dikHash: asBytes(fields[2], 'dik_hash', HASH_BYTES),
  };
}

export const formatApproval = ({ community, list }: Approval): string =>
  APPROVAL + toBase64url(encodeCbor([community.url, community.keyHash, list.bytes, list.signature]));

function parseApproval(text: string): Approval {
  const fields = asArray(decodeCbor(unblob(text, APPROVAL)), 'approval', 4);
  return {
    community: { url: asText(fields[0], 'url'), keyHash: asBytes(fields[1], 'key', HASH_BYTES) },
    list: { bytes: asBytes(fields[2], 'list'), signature: asBytes(fields[3], 'signature') },
  };
}

export interface Tools {
  readonly store: Store;
  readonly random: RandomBytes;
  readonly provider: Provider;
}

/** On the new device: makes its keys and the text for the first one's `approveDevice`. Asked again it gives the same. */
export async function requestDevice(
  { store, random, provider }: Tools,
  options: { readonly member: string; readonly device?: string | undefined },
): Promise<string> {
  const member = parseMemberId(options.member);
  const pending = await readRecord(store, 'pending');
  const device = pending
    ? parseDeviceId(asText(pending[1], 'device'))
    : options.device
      ? parseDeviceId(options.device)
      : newDeviceId(random);
  const dikSeed = pending ? asBytes(pending[2], 'DIK') : newCompositeSeed(random);
  if (!pending) await writeRecord(store, 'pending', [member, device, dikSeed]);
  const { dikHash } = makeAccount(provider, { member, device, dikSeed, community: { url: '', keyHash: new Uint8Array() } });
  return formatRequest({ member, device, dikHash });
}

/** On the new device, with what the first one gave. Throws `bad_invite` without a request before, or for another member's approval. */
export async function enrolApproved({ store, random, provider }: Tools, text: string, now: number): Promise<Keys> {
  const { community, list } = parseApproval(text);
  const pending = await readRecord(store, 'pending');
  if (!pending) throw new VollyError('bad_invite', 'this store has asked for no approval');
  const member = parseMemberId(asText(pending[0], 'member'));
  if (decodeList(list.bytes).member !== member) throw new VollyError('bad_invite', 'an approval of another member');
  const device = parseDeviceId(asText(pending[1], 'device'));
  const account = makeAccount(provider, { member, device, dikSeed: asBytes(pending[2], 'DIK'), community });
  return begin({ store, random, provider, account }, now, list);
}

/** A member's first device: makes the UIK. Throws `bad_invite`. */
export async function enrolInvited(
  { store, random, provider }: Tools,
  link: string,
  device: string | undefined,
  now: number,
): Promise<Keys> {
  const { gateway, member, communityKeyHash, token } = parseInvite(link);
  const account = makeAccount(provider, {
    member,
    device: device ? parseDeviceId(device) : newDeviceId(random),
    community: { url: gateway, keyHash: communityKeyHash },
    dikSeed: newCompositeSeed(random),
    uikSeed: newCompositeSeed(random),
    token,
  });
  return begin({ store, random, provider, account }, now);
}

/** Keys first: an account without keys would be one that cannot start. */
async function begin(deps: KeysDeps, now: number, approved?: Signed): Promise<Keys> {
  await writeRecord(deps.store, ENROLLING, []);
  const keys = await Keys.create(deps, now, approved);
  await saveAccount(deps.store, deps.account);
  await deps.store.delete('pending');
  return keys;
}

export const isEnrolling = async (store: Store): Promise<boolean> => (await readRecord(store, ENROLLING)) !== undefined;

/** The community has let this device in. */
export const noteEnrolled = (store: Store): Promise<void> => store.delete(ENROLLING);
