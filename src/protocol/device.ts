/** This device: what it needs to seal and open. The client loads it from its store; nothing in protocol/ keeps it. */
import type { Bytes } from '../bytes.ts';
import type { Signer } from '../crypto/composite.ts';
import type { Party } from './header.ts';

export interface LocalPrekey {
  /** H(prekey statement), 32 bytes. */
  readonly hash: Bytes;
  /** X-Wing seed, 32 bytes; secret. */
  readonly seed: Bytes;
  /** Unix time in milliseconds. */
  readonly notAfter: number;
}

/** A party that is this device: its `listVersion` is that of the newest list it knows. */
export interface LocalDevice extends Party {
  /** By the DIK. Made once: importing the key anew for each message would cost as much as a third of a signature. */
  readonly sign: Signer;
  /** All whose seeds are still kept: the newest and, for 24 h, the one before. */
  readonly prekeys: readonly LocalPrekey[];
}
