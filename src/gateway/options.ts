/** What the gateway is given; `compose/` makes it. */
import type { IncomingMessage } from 'node:http';
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import type { Community } from '../protocol/handshake-server.ts';
import type { Counters, Log, Mailbox, Route } from '../routing/ports.ts';
import type { InviteStore, MemberStore, TicketStore } from '../storage/types.ts';
import type { Directory } from './directory.ts';

export interface GatewayOptions {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** From `loadCommunityKey`. */
  readonly community: Community;
  readonly members: MemberStore;
  readonly invites: InviteStore;
  readonly tickets: TicketStore;
  readonly route: Route;
  readonly mailbox: Mailbox;
  /** The same one that the router got as its Doorway. */
  readonly directory: Directory;
  readonly log: Log;
  readonly counters: Counters;
  /**
   * Whom limits are counted for. Default: the socket's address, which behind a reverse proxy is the proxy's; see `forwardedAddress`
   * of address.ts.
   */
  readonly addressOf?: (request: IncomingMessage) => string;
}
