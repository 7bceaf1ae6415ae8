/** What the parts of one client share. Made once, in client.ts. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { Verified } from '../protocol/check.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Contacts } from './contacts.ts';
import type { Keys } from './keys.ts';
import type { Queue } from './queue.ts';
import type { Store } from './store.ts';

export interface Context {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly store: Store;
  readonly keys: Keys;
  readonly contacts: Contacts;
  readonly verified: Verified;
  /** All that changes protocol state runs here, one after the other: envelopes, timers, and the user's wishes. */
  readonly queue: Queue;
  /** Unix time in milliseconds by the gateway's signed time: for everything on the wire. */
  now(): number;
  /** The later of that and the local clock: keys and lists expire by it, or a lying bridge could keep them alive. */
  keyNow(): number;
  /** Resolves when the own bridge has it. Rejects with a VollyError. */
  send(envelope: Envelope): Promise<void>;
  /** Something was refused: counted and, for what is no VollyError, shown as the bug it is. */
  refused(error: unknown, type: string): void;
}

/** Of an unknown error: a bug of ours, that some input has found. */
export const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof VollyError ? error.code : undefined);
