/** What the junction asks of its neighbours, and what it gives them. Carriers, receivers and the gateway meet here and nowhere else. */
import type { DeviceAddress, EnvelopeId, ServerName } from '../ids.ts';
import type { Address, Envelope, EnvelopeType } from '../protocol/envelope.ts';

/** A way to move envelopes to another community's bridge. One contract suite holds every implementation. */
export interface Carrier {
  readonly name: string;
  /** A `send` that has not come to an end by then counts as failed, and the next carrier is tried. */
  readonly timeoutMs: number;
  /**
   * Hands over envelopes of one type, already encoded, together at most LIMITS.eventBytes. Resolves once the homeserver (or the
   * peer) has taken them, which promises nothing about arrival: the outbox repeats until the peer acknowledges. Rejects with a
   * VollyError: `peer_unreachable`, `homeserver_absent`, `homeserver_refused`, `rate_limited` when nothing left; `homeserver_unreachable`,
   * `timed_out` when it may have. An error with a number `retryAfterMs` is not tried again before.
   */
  send(peer: ServerName, type: EnvelopeType, encoded: readonly string[]): Promise<void>;
  /**
   * Called while envelopes to a peer wait too long: try to wake the path. True when the peer's server answered, false when it could not be
   * reached. Rejects when this attempt does not tell.
   */
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
   * Offers an envelope to a device that may be online; it stays in the inbox until `Mailbox.taken`, except presence, which is kept
   * nowhere. Never throws and never waits for the app.
   */
  deliver(device: DeviceAddress, envelope: Envelope): void;
  /** The addressee's bridge has this offer of the device. Told once, if the device is online; as `deliver`. */
  delivered(device: DeviceAddress, offer: EnvelopeId): void;
}

/** Answers key queries for own members from the shelf, also when their devices are offline. */
export interface Shelf {
  /** One encoded bundle (PROTOCOL.md section 6) per device of the member; empty when there is no such member. */
  bundles(localpart: string): Promise<readonly Uint8Array[]>;
}

/** What waits for a device, for the gateway when the device connects. */
export interface Mailbox {
  /** In order of arrival. */
  waiting(device: DeviceAddress): Promise<readonly Envelope[]>;
  /** It goes to the device now, which may take it and not be heard any more: from here on nobody says that it did not arrive. */
  handed(envelope: Passing): void;
  /** The app opened it. Nothing happens when it was not waiting. */
  taken(device: DeviceAddress, envelope: Passing): Promise<void>;
}

/**
 * `ok`: nothing waits for it longer than 2 s. Else `waiting`: it is being woken, and no attempt has come to an end; `unreachable`: its
 * server did not answer the last attempt; `silent`: its server answers, and its bridge has acknowledged nothing since.
 */
export type PathState = 'ok' | 'waiting' | 'unreachable' | 'silent';

/** A community that envelopes wait for, or whose bridge has spoken to this one. */
export interface PeerState {
  readonly server: ServerName;
  readonly state: PathState;
  /** Envelopes that it has not acknowledged, sent or not, and their bytes. */
  readonly waiting: number;
  readonly bytes: number;
  /** How long the oldest of these has waited, in ms, in this run of the bridge. 0 where none waits. */
  readonly oldestMs: number;
  /** Unix time in ms when its bridge was last heard; roughly, where that was before this run. */
  readonly heardAt?: number;
  /** How far its clock is ahead of ours, in ms, by its last hello. */
  readonly skewMs?: number;
}

/** How full the junction is; each has its limit in limits.ts. */
export interface JunctionCounts {
  /** Envelopes for other communities that they have not acknowledged. */
  readonly outbox: number;
  readonly outboxBytes: number;
  /** Envelopes for own devices that nobody has taken. */
  readonly inbox: number;
  /** Ids remembered to tell repeats. */
  readonly seen: number;
  /** Ids gathered for acknowledgements not yet sent. */
  readonly acks: number;
  /** Communities remembered. */
  readonly peers: number;
}

/** Counts for the operator. Names and labels are those of ops/metrics/catalogue.ts: types, codes, never a member. */
export interface Counters {
  count(name: string, labels?: Readonly<Record<string, string>>): void;
  /** One value of many, for a histogram; in seconds or bytes. */
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

/**
 * What an envelope passes in a bridge, in this order: `accepted` from an app, `received` from another community or `made` here, or else
 * `refused`; `routed`: on disk, in the outbox or the inbox; `sent` by a carrier or `not_sent`, and `acknowledged`; `delivered` to an app, and
 * `taken` by it; or else `ended`.
 */
export type Step =
  | 'accepted'
  | 'received'
  | 'made'
  | 'refused'
  | 'routed'
  | 'sent'
  | 'not_sent'
  | 'acknowledged'
  | 'delivered'
  | 'taken'
  | 'ended';

export interface StepDetails {
  /** How long it took, to now, in ms. */
  readonly ms?: number;
  /** Of `sent`: 1 the first time. */
  readonly attempt?: number;
  readonly carrier?: string;
  /** Of what was refused, not sent or ended. */
  readonly code?: string;
}

/** The outside of an envelope; where little of it is known at a step, id and sender: they name it. */
export interface Passing {
  readonly id: EnvelopeId;
  readonly from: Address;
  readonly type?: EnvelopeType;
  readonly to?: Address;
}

/** Told of each step of each envelope, for logs, traces and times of calls. What it writes down names no member and no id. Never throws. */
export interface Steps {
  step(step: Step, envelope: Passing, details?: StepDetails): void;
}

/** Lines for the operator. Fields name servers, types and codes; never members, ids or content. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, string | number>>): void;
  warn(event: string, fields?: Readonly<Record<string, string | number>>): void;
}
