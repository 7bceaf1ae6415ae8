/** Who this device is, as it stands in the store: keys that never change, and where the member's community is. */
import type { Bytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { COMPOSITE, compositePublicKey } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type DeviceId, type MemberId, parseDeviceId, parseMemberId, type ServerName, serverOf } from '../ids.ts';
import { asArray, asBytes, asText } from '../protocol/cbor.ts';
import { HASH_BYTES } from '../protocol/suite.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

/** Where a gateway is, and the key it must prove to hold. */
export interface Community {
  /** `wss://chat.orchid.example/volly/v1` */
  readonly url: string;
  /** H(community key), 32 bytes. */
  readonly keyHash: Bytes;
}

export interface Account {
  readonly member: MemberId;
  readonly server: ServerName;
  readonly device: DeviceId;
  readonly community: Community;
  /** Composite seeds, 64 bytes. Only the member's first device has the UIK's. */
  readonly dikSeed: Bytes;
  readonly uikSeed?: Bytes;
  readonly dik: Bytes;
  readonly dikHash: Bytes;
  /** Of an invite; harmless once used. */
  readonly token?: Bytes;
}

const NAME = 'account';
const EMPTY = new Uint8Array();

export function makeAccount(
  provider: Provider,
  options: {
    readonly member: MemberId;
    readonly device: DeviceId;
    readonly community: Community;
    readonly dikSeed: Bytes;
    readonly uikSeed?: Bytes | undefined;
    readonly token?: Bytes | undefined;
  },
): Account {
  const { member, device, community, dikSeed, uikSeed, token } = options;
  const dik = compositePublicKey(provider, dikSeed);
  const keys = { dikSeed, dik, dikHash: sha256(dik), ...(uikSeed && { uikSeed }), ...(token && { token }) };
  return { member, server: serverOf(member), device, community, ...keys };
}

export async function loadAccount(store: Store, provider: Provider): Promise<Account | undefined> {
  const fields = await readRecord(store, NAME);
  if (!fields) return undefined;
  const [member, device, url, keyHash, dikSeed, uikSeed, token] = asArray(fields, NAME, 7);
  return makeAccount(provider, {
    member: parseMemberId(asText(member, 'member')),
    device: parseDeviceId(asText(device, 'device')),
    community: { url: asText(url, 'url'), keyHash: asBytes(keyHash, 'community key', HASH_BYTES) },
    dikSeed: asBytes(dikSeed, 'DIK', COMPOSITE.seed),
    uikSeed: optional(asBytes(uikSeed, 'UIK', 0, COMPOSITE.seed)),
    token: optional(asBytes(token, 'token')),
  });
}

export const saveAccount = (store: Store, account: Account): Promise<void> =>
  writeRecord(store, NAME, [
    account.member,
    account.device,
    account.community.url,
    account.community.keyHash,
    account.dikSeed,
    account.uikSeed ?? EMPTY,
    account.token ?? EMPTY,
  ]);

const optional = (bytes: Bytes): Bytes | undefined => (bytes.length > 0 ? bytes : undefined);

/** 8 of base 32: two devices of one member differ without asking anyone. */
export function newDeviceId(random: RandomBytes): DeviceId {
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  return parseDeviceId([...random(8)].map((byte) => alphabet[byte & 31]).join(''));
}

/** 64 bytes: the ML-DSA seed ‖ the Ed25519 seed. */
export const newCompositeSeed = (random: RandomBytes): Bytes => random(COMPOSITE.seed);

/** A member address that may carry `#` and base64url(H(UIK)). Throws `bad_address`. */
export function splitAddress(address: string): { readonly member: MemberId; readonly fragment?: string } {
  const hash = address.indexOf('#');
  if (hash < 0) return { member: parseMemberId(address) };
  const fragment = address.slice(hash + 1);
  if (fragment === '') throw new VollyError('bad_address', 'nothing after #');
  return { member: parseMemberId(address.slice(0, hash)), fragment };
}
