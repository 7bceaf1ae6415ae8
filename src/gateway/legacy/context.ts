/** What the parts of one legacy member's line share. Made once, in line.ts. */
import type { PartyContext } from '../../party/context.ts';
import type { DeviceKeys } from './keys.ts';
import type { Peers } from './peers.ts';

export interface Context extends PartyContext {
  readonly keys: DeviceKeys;
  readonly peers: Peers;
  /** Never rejects; what goes wrong is `refused` as `what`. */
  run(what: string, task: () => Promise<void> | void): Promise<void>;
}
