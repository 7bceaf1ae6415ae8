/** What the operations are performed on; compose/ has the parts. */
import type { Clock } from '../../clock.ts';
import type { ErrorCode } from '../../errors.ts';
import type { DeviceAddress, Localpart, MemberId, ServerName } from '../../ids.ts';
import type { PeerState } from '../../routing/ports.ts';
import type { QuarantineRow, Stores } from '../../storage/types.ts';
import type { Status } from '../status.ts';

/** Of a bridge that may not be running: what making invites and credentials takes. */
export interface MakerPorts {
  readonly server: ServerName;
  readonly clock: Pick<Clock, 'now'>;
  readonly stores: Pick<Stores, 'members' | 'roll' | 'invites' | 'quarantine'>;
  makeInvite(member: Localpart): Promise<{ readonly link: string; readonly expires: number }>;
  /** Throws `legacy_disabled`, `name_taken`. */
  makeCredential(member: Localpart): Promise<string>;
}

export interface AdminPorts extends MakerPorts {
  status(): Promise<Status>;
  isOnline(device: DeviceAddress): boolean;
  /** Ends the connection of one device. */
  endDevice(device: DeviceAddress, code: ErrorCode): void;
  /** Ends all connections of a member, and the calls of its legacy apps with them; resolves when these have said goodbye. */
  endMember(member: MemberId, code: ErrorCode): Promise<void>;
  readonly peers: PeerPorts;
  /** Forgets a suspended member with all that is of it, in memory and on disk. */
  forget(member: MemberId): Promise<void>;
  /** Ends the member's ghost on the homeserver; `waiting`: the homeserver does not answer now, and the bridge goes on trying. */
  endGhost(member: MemberId): Promise<'gone' | 'waiting'>;
  /** Routes what was refused once more; resolves with how many envelopes that was. Throws what it is refused for now. */
  release(row: QuarantineRow): Promise<number>;
}

export interface PeerPorts {
  list(): readonly PeerState[];
  /** Those blocked by `block`, and since when. */
  blocked(): Promise<readonly { readonly server: ServerName; readonly at: number }[]>;
  /** Whether the configuration and `block` together let envelopes pass. */
  isAllowed(server: ServerName): boolean;
  /** Shuts a community out, or lets it in again; false when that was so already. What waits for it ends at once. */
  block(server: ServerName, blocked: boolean): Promise<boolean>;
  /** Tries to reach it now; true when its server answered. What waits is sent then. */
  wake(server: ServerName): Promise<boolean>;
}
