/** What the legacy adapter is given; `compose/` makes it. Its doorkeeping is the gateway's own, handed in: this room imports none of it. */
import type { IncomingMessage } from 'node:http';
import type { Clock, RandomBytes } from '../../clock.ts';
import type { Provider } from '../../crypto/primitives.ts';
import type { ErrorCode } from '../../errors.ts';
import type { DeviceAddress } from '../../ids.ts';
import type { Envelope } from '../../protocol/envelope.ts';
import type { Community } from '../../protocol/handshake-server.ts';
import type { Counters, Log, Mailbox, Route } from '../../routing/ports.ts';
import type { FactStore, MemberStore } from '../../storage/types.ts';
import type { LegacyKeys } from './keys.ts';

/** A member's one device, as the gateway's directory of online devices sees it. */
export interface OnlineDevice {
  deliver(envelope: Envelope): void;
  pushList(): void;
  delivered(): void;
  end(code: ErrorCode): void;
}

export interface Directory {
  enter(device: DeviceAddress, online: OnlineDevice): void;
  leave(device: DeviceAddress, online: OnlineDevice): void;
}

/** Somebody who was let in. */
export interface Place {
  /** The credential was looked at. */
  greeted(): void;
  /** The socket is gone. */
  left(): void;
}

export interface LegacyOptions {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly community: Community;
  /** The same that the shelf got. */
  readonly keys: LegacyKeys;
  readonly members: Pick<MemberStore, 'active'>;
  readonly facts: FactStore;
  readonly route: Route;
  readonly mailbox: Mailbox;
  readonly directory: Directory;
  /** Counts who stands at the door; an HTTP status is a refusal. */
  readonly enter: (request: IncomingMessage) => Promise<Place | 429 | 503>;
  readonly log: Log;
  readonly counters: Counters;
}
