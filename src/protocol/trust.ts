/**
 * What this device remembers of a member, and what it refuses because of it. PROTOCOL.md sections 5.2 to 5.4 and 16. Nothing
 * here is written by a message alone: `pin` is for when the user calls, answers or accepts, `note` only adds to a pin.
 */
import { type Bytes, concat, equal, toHex, u32, utf8 } from '../bytes.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { MemberId } from '../ids.ts';
import type { Identity } from './identity.ts';

export interface Known {
  /** H(UIK) of an enhanced member. */
  readonly pin?: Bytes;
  /** H(community key) of the member's server, pinned on first use; matters only for legacy members. */
  readonly communityPin?: Bytes;
  /** The highest list or statement seen under a root, with its hash. */
  readonly newest?: { readonly rootHash: Bytes; readonly version: number; readonly hash: Bytes };
  /** The highest prekey epoch seen, by H(DIK) in hexadecimal. */
  readonly epochs?: Readonly<Record<string, number>>;
  /** The identity last verified beside a message, by H(DIK) in hexadecimal: later messages leave it out. */
  readonly identities?: Readonly<Record<string, Bytes>>;
}

type Root = Pick<Identity, 'kind' | 'rootHash'>;
type Version = Pick<Identity, 'rootHash' | 'version' | 'hash'>;

/** Throws `identity_changed`, or `downgrade` for a legacy identity of a member whose UIK is pinned. */
export function checkPin(known: Known, root: Root): void {
  if (root.kind === 'legacy' && known.pin) throw new VollyError('downgrade', 'a legacy statement for a pinned member');
  const pin = root.kind === 'legacy' ? known.communityPin : known.pin;
  if (pin && !equal(pin, root.rootHash)) throw new VollyError('identity_changed');
}

/** Any higher version under one root; the same only with the same hash. Throws `stale_list`. */
export function checkVersion(known: Known, { rootHash, version, hash }: Version): void {
  const newest = known.newest;
  if (!newest || !equal(newest.rootHash, rootHash) || version > newest.version) return;
  if (version < newest.version) throw new VollyError('stale_list', 'a newer one was seen');
  if (!equal(newest.hash, hash)) throw new VollyError('stale_list', 'two lists of one version');
}

/** Throws `replayed` for a prekey of an earlier epoch than one seen of this device. */
export function checkEpoch(known: Known, dikHash: Uint8Array, epoch: number): void {
  if (epoch < (known.epochs?.[toHex(dikHash)] ?? 0)) throw new VollyError('replayed', 'prekey epoch');
}

/** The user called, answered or accepted: from now on this member is reached under this root only. */
export function pin(known: Known, identity: Root & Version): Known {
  const pinned = identity.kind === 'legacy' ? { communityPin: identity.rootHash } : { pin: identity.rootHash };
  return note({ ...known, ...pinned }, identity);
}

/** Keeps the newest version, under a pinned root only. `identity` has passed its checks. */
export function note(known: Known, identity: Root & Version): Known {
  const pinned = identity.kind === 'legacy' ? known.communityPin : known.pin;
  if (!pinned || !equal(pinned, identity.rootHash)) return known;
  const { rootHash, version, hash } = identity;
  const older = known.newest && equal(known.newest.rootHash, rootHash) && known.newest.version >= version;
  return older ? known : { ...known, newest: { rootHash, version, hash } };
}

/** Keeps a prekey's epoch. */
export const noteEpoch = (known: Known, dikHash: Uint8Array, epoch: number): Known => ({
  ...known,
  epochs: { ...known.epochs, [toHex(dikHash)]: Math.max(epoch, known.epochs?.[toHex(dikHash)] ?? 0) },
});

/** Keeps the encoded identity of a device, for messages that come without. */
export const noteIdentity = (known: Known, dikHash: Uint8Array, identity: Bytes): Known => ({
  ...known,
  identities: { ...known.identities, [toHex(dikHash)]: identity },
});

/** What was kept by H(DIK), without devices that the list has no longer: a contact with ever new devices fills no store. */
export function onlyListed<T>(
  kept: Readonly<Record<string, T>> | undefined,
  { entries }: Pick<Identity, 'entries'>,
): Record<string, T> {
  const listed = new Set(entries.map(({ dikHash }) => toHex(dikHash)));
  return Object.fromEntries(Object.entries(kept ?? {}).filter(([dikHash]) => listed.has(dikHash)));
}

interface Person {
  readonly member: MemberId;
  /** 1,984 bytes. */
  readonly uik: Uint8Array;
}

const GROUPS = 6;
const GROUP_BYTES = 5;

/** 60 digits, the same for both members. Section 5.4. */
export function safetyNumber(provider: Provider, a: Person, b: Person): string {
  return [half(provider, a), half(provider, b)].sort().join('');
}

function half(provider: Provider, { member, uik }: Person): string {
  const name = utf8(member);
  const digest = provider.sha512(concat(utf8('volly/1/safety'), u32(name.length), name, uik));
  let digits = '';
  for (let group = 0; group < GROUPS; group++) {
    let value = 0;
    for (const byte of digest.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES)) value = value * 256 + byte;
    digits += String(value % 100_000).padStart(5, '0');
  }
  return digits;
}
