/** What the parts of one legacy member's line share. Made once, in line.ts. */
import type { Clock, RandomBytes } from '../../clock.ts';
import type { Provider } from '../../crypto/primitives.ts';
import { type ErrorCode, VollyError } from '../../errors.ts';
import type { Verified } from '../../protocol/check.ts';
import type { Envelope } from '../../protocol/envelope.ts';
import type { DeviceKeys } from './keys.ts';
import type { Peers } from './peers.ts';
import type { Queue } from './queue.ts';

export interface Context {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly keys: DeviceKeys;
  readonly peers: Peers;
  readonly verified: Verified;
  /** All that changes protocol state runs here, one after the other: envelopes, timers, and the app's wishes. */
  readonly queue: Queue;
  /** The same for what nobody waits for: never rejects; what goes wrong is `refused` as `what`. */
  run(what: string, task: () => Promise<void> | void): Promise<void>;
  /** Resolves when the router has it. Rejects with a VollyError. */
  send(envelope: Envelope): Promise<void>;
  /** Something was refused: counted and, for what is no VollyError, logged as the bug it is. */
  refused(error: unknown, type: string): void;
}

/** Of an unknown error: a bug of ours, that some input has found. */
export const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof VollyError ? error.code : undefined);
