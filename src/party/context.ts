/** What the parts of one device share, whoever owns it: the SDK's client, or the line of a legacy member. Each adds its own. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import type { Verified } from '../protocol/check.ts';
import type { LocalDevice } from '../protocol/device.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Queue } from './queue.ts';

export interface PartyContext {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly keys: {
    /** What seals and opens. Anew for each use: lists and prekeys change. */
    local(): LocalDevice;
  };
  readonly verified: Verified;
  /** All that changes protocol state runs here, one after the other: envelopes, timers, and the user's wishes. */
  readonly queue: Queue;
  /** The same for what nobody waits for. Only a bug makes it fail, and the owner shows that as it shows its others. */
  run(what: string, task: () => Promise<void> | void): Promise<void>;
  /** Unix time in milliseconds, for everything on the wire. */
  now(): number;
  /** Unix time in milliseconds by which keys and lists expire. */
  keyNow(): number;
  /** Resolves when the own bridge has it. Rejects with a VollyError. */
  send(envelope: Envelope): Promise<void>;
  /** Something was refused: counted and, for what is no VollyError, shown as the bug it is. */
  refused(error: unknown, type: string): void;
}
