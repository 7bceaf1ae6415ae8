/** The member's own device list as this device makes and checks it. PROTOCOL.md section 5.2. */
import type { Bytes } from '../bytes.ts';
import type { Provider } from '../crypto/primitives.ts';
import { LIMITS } from '../limits.ts';
import { checkEntry, checkSignedList } from '../protocol/check.ts';
import { decodeIdentity, encodeIdentity, type Identity } from '../protocol/identity.ts';
import { type DeviceEntry, makeList, type Signed } from '../protocol/list.ts';
import type { Account } from './account.ts';

/** Of a device that is new in it; what counts is set when the list is signed. */
export type NewEntry = Omit<DeviceEntry, 'notAfter'>;

/**
 * By the device that holds the UIK. Entries live as long as their list: a device that it no longer renews goes with it.
 */
export function signOwnList(
  provider: Provider,
  options: {
    readonly account: Account & { readonly uikSeed: Bytes };
    readonly uik: Bytes;
    readonly entries: readonly NewEntry[];
    readonly now: number;
    readonly previous?: Uint8Array;
  },
): Signed {
  const { account, uik, now, previous } = options;
  const entries = options.entries.map((entry) => ({ ...entry, notAfter: now + LIMITS.deviceListLifeMs }));
  const { member, uikSeed } = account;
  return makeList(provider, { member, uik, uikSeed, entries, now, ...(previous && { previous }) });
}

/** Signature, life, and that it names this device. Throws as those checks do: `bad_signature`, `expired`, `not_in_list` … */
export function checkOwnList(provider: Provider, account: Account, list: Signed, now: number): Identity {
  const identity = decodeIdentity(encodeIdentity(list, account.dik));
  checkSignedList(provider, identity, now);
  checkEntry(identity, account.device, now);
  return identity;
}
