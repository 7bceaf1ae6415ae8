/** What the junction asks of its neighbours, and what it gives them. Carriers, receivers and the gateway meet here and nowhere else. */
import type { DeviceAddress, ServerName } from '../ids.ts';
import type { Envelope, EnvelopeType } from '../protocol/envelope.ts';

/** A way to move envelopes to another community's bridge. One contract suite holds every implementation. */
export interface Carrier {
  readonly name: string;
  /**
   * Hands over envelopes of one type, already encoded, together at most LIMITS.eventBytes. Resolves once the homeserver (or the
   * peer) has taken them, which promises nothing about arrival: the outbox repeats until the peer acknowledges. Rejects with a
   * VollyError (`peer_unreachable`, `homeserver_unreachable`, `homeserver_refused`, `rate_limited`).
   */
  send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<void>;
  /** Called while envelopes to a peer wait too long: try to wake the path. True when the peer's server answered. */
  wake(peer: ServerName): Promise<boolean>;
}

/** Brings envelopes in. Journals before it hands on; never loses what it has journaled. */
export interface Receiver {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Where an envelope came from: proven by the gateway's handshake, claimed by a homeserver, or made here. */
export type Origin =
  | { readonly kind: 'device'; readonly device: DeviceAddress }
  | { readonly kind: 'server'; readonly server: ServerName }
  | { readonly kind: 'self' };

/** Throws a VollyError for what is refused (the caller tells an app, or quarantines what a server sent). */
export interface Route {
  route(envelope: Envelope, origin: Origin): Promise<void>;
}

/** The members' side of the bridge. */
export interface Doorway {
  /**
   * Offers an envelope to a device that may be online; the envelope stays in the inbox until `Inbox.taken`. Never throws and
   * never waits for the app.
   */
  deliver(device: DeviceAddress, envelope: Envelope): void;
}

/** Answers key queries for own members from the shelf, also when their devices are offline. */
export interface Shelf {
  /** One encoded bundle (PROTOCOL.md section 6) per device of the member; empty when there is no such member. */
  bundles(localpart: string): Promise<readonly Uint8Array[]>;
}
