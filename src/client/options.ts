/** What an app gives the SDK, and the small things it is given back: see client.ts. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import type { DeviceId } from '../ids.ts';
import type { ConnectionOptions, GatewayConnection, WebSocketLike } from './connection-types.ts';
import type { Store } from './store.ts';

/** What every way into a community needs. */
export interface ClientTools {
  /** Where this device keeps its keys and contacts. One store is one device, and belongs to one client at a time. */
  readonly store: Store;
  /** For tests; the system's by default. */
  readonly clock?: Clock;
  /** For tests; the system's generator by default. */
  readonly random?: RandomBytes;
  /** @internal Which implementation of the primitives: node:crypto where it has them, else noble. */
  readonly provider?: Provider;
}

/** For `VollyClient.connect`. A store that has a device in it needs neither `invite` nor `approval`. */
export interface ConnectOptions extends ClientTools {
  /** Opens a WebSocket: `(url) => new WebSocket(url)`, or `nodeSocket()` of `@volly/client/node`. */
  readonly socket: (url: string) => WebSocketLike;
  /**
   * A link from the operator, for a member's first device. Once the community has let the device in it is looked at only where another key
   * answers (`wrong_community`), if it is not the one that the device came by: the operator may have invited its members anew.
   */
  readonly invite?: string;
  /** From `approveDevice` on the member's first device, after `requestDevice` here. */
  readonly approval?: string;
  /** The first device's id, `[A-Z0-9]{1,16}`; random by default. */
  readonly device?: string;
  /** A second caller hears `busy` while a call is on. Default true; false raises `incoming` beside it. */
  readonly rejectWhenBusy?: boolean;
  /** @internal Instead of the connection of connection.ts, for tests. */
  readonly gateway?: (options: ConnectionOptions) => GatewayConnection;
}

/** One device of this member, as its signed list names it (PROTOCOL.md section 5.2). */
export interface OwnDevice {
  /** `[A-Z0-9]{1,16}` */
  readonly id: DeviceId;
  /** The one that is asked. */
  readonly current: boolean;
  /** Unix time in milliseconds: its end, unless the first device renews its list before. */
  readonly notAfter: number;
}
