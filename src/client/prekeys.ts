/**
 * The prekeys of this device, oldest first; the last is the published one. Pure: keys.ts keeps them. PROTOCOL.md sections 5.1, 5.3: a new
 * one each 24 h, and the old one's seed is erased 24 h after its successor was published.
 */
import type { Bytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asUint, type Cbor } from '../protocol/cbor.ts';
import type { LocalPrekey } from '../protocol/device.ts';
import type { Signed } from '../protocol/list.ts';
import { decodePrekey, makePrekey } from '../protocol/prekey.ts';
import type { Account } from './account.ts';

export interface OwnPrekey extends LocalPrekey {
  readonly statement: Signed;
  readonly epoch: number;
  readonly madeAt: number;
  /** Unix time in milliseconds, set once the successor is on the shelf; 0 = not yet. */
  readonly eraseAt: number;
}

export function nextPrekey(
  provider: Provider,
  random: RandomBytes,
  options: {
    readonly account: Account;
    readonly uikHash: Bytes;
    readonly now: number;
    readonly previous?: OwnPrekey | undefined;
  },
): OwnPrekey {
  const { account, uikHash, now, previous } = options;
  const { member, device, dikSeed } = account;
  // As list versions: past every earlier one, also where a backup of the store was restored.
  const epoch = Math.max(now, (previous?.epoch ?? 0) + 1);
  const made = makePrekey(provider, random, { member, device, dikSeed, uikHash, epoch, now });
  return { ...made.prekey, statement: made.statement, epoch, madeAt: now, eraseAt: 0 };
}

export const isRotationDue = (newest: OwnPrekey, now: number): boolean => now - newest.madeAt >= LIMITS.prekeyRotateMs;

/** Without those whose time is over; their seeds are overwritten in memory. The newest always stays: it must be replaced, not lost. */
export function dropErased(prekeys: readonly OwnPrekey[], now: number): readonly OwnPrekey[] {
  const newest = prekeys.at(-1);
  const over = ({ eraseAt, notAfter }: OwnPrekey) => (eraseAt !== 0 && now >= eraseAt) || now > notAfter;
  const gone = prekeys.filter((prekey) => prekey !== newest && over(prekey));
  for (const { seed } of gone) seed.fill(0);
  return gone.length > 0 ? prekeys.filter((prekey) => !gone.includes(prekey)) : prekeys;
}

/** The newest is on the shelf: the day of the older ones is counted from now. */
export function startGrace(prekeys: readonly OwnPrekey[], now: number): readonly OwnPrekey[] {
  const newest = prekeys.at(-1);
  const waits = (prekey: OwnPrekey) => prekey !== newest && prekey.eraseAt === 0;
  if (!prekeys.some(waits)) return prekeys;
  return prekeys.map((prekey) => (waits(prekey) ? { ...prekey, eraseAt: now + LIMITS.prekeyGraceMs } : prekey));
}

export const prekeyToCbor = ({ seed, statement, madeAt, eraseAt }: OwnPrekey): Cbor => [
  seed,
  statement.bytes,
  statement.signature,
  madeAt,
  eraseAt,
];

export function prekeyFromCbor(value: Cbor): OwnPrekey {
  const fields = asArray(value, 'prekey', 5);
  const statement: Signed = { bytes: asBytes(fields[1], 'statement'), signature: asBytes(fields[2], 'signature') };
  const { epoch, notAfter } = decodePrekey(statement.bytes);
  const [madeAt, eraseAt] = [asUint(fields[3], 'made'), asUint(fields[4], 'erase')];
  return { hash: sha256(statement.bytes), seed: asBytes(fields[0], 'seed'), notAfter, statement, epoch, madeAt, eraseAt };
}
