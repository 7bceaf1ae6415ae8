/**
 * What the connection to the member's own gateway (PROTOCOL.md section 14) is given and gives. The class is in connection.ts.
 */
import type { Bytes } from '../bytes.ts';
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import type { VollyError } from '../errors.ts';
import type { EnvelopeId, ServerName } from '../ids.ts';
import type { Envelope } from '../protocol/envelope.ts';

/** The part of the W3C WebSocket that is used: a browser's, Node's own, and `ws` all have it. */
export interface WebSocketLike {
  /** Is set to `arraybuffer`. */
  binaryType: string;
  /** Bytes that `send` took and the network has not. */
  readonly bufferedAmount: number;
  /** Is set by the SDK, like the three after it. */
  onopen: ((event: never) => unknown) | null;
  /** With binary messages. */
  onmessage: ((event: never) => unknown) | null;
  /** Whoever closed it. */
  onclose: ((event: never) => unknown) | null;
  /** A close follows. */
  onerror: ((event: never) => unknown) | null;
  /** One binary message of at most 65,536 bytes. */
  send(data: Uint8Array<ArrayBuffer>): void;
  /** Says goodbye. */
  close(code?: number, reason?: string): void;
}

/** Who the device is. Asked anew at each full handshake, so that a renewed list or prekey is what gets presented. */
export interface Credentials {
  /** Encoded identity of PROTOCOL.md section 5.5: the newest own list, its signature, the DIK. */
  identity(): Uint8Array;
  /** Encoded bundle of section 6, to be shelved on connecting; undefined leaves that to `publish`. */
  bundle(): Uint8Array | undefined;
  /** A composite signature by the DIK, 3,373 bytes. */
  sign(message: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
}

/** Resumes a connection once, without signatures. A secret: whoever has it is the device until `expires`. */
export interface Ticket {
  /** 32 bytes. */
  readonly ticket: Uint8Array;
  /** 32 bytes. */
  readonly psk: Uint8Array;
}

/** Before `connect`, and between attempts. */
export interface Offline {
  /** Which of the states this is. */
  readonly kind: 'offline';
  /** Milliseconds until the next attempt. */
  readonly retryIn?: number;
  /** Why the last one failed or ended. */
  readonly cause?: VollyError;
}

/** An attempt is under way: at most 10 s. */
export interface Connecting {
  /** Which of the states this is. */
  readonly kind: 'connecting';
}

/** The gateway is who was pinned, and has let the device in. */
export interface Online {
  /** Which of the states this is. */
  readonly kind: 'online';
  /** By the ticket of an earlier connection, without signatures. */
  readonly resumed: boolean;
}

/** Ended for good by `close`, or by an answer that trying again cannot change: see `FATAL` in back-off.ts. */
export interface Closed {
  /** Which of the states this is. */
  readonly kind: 'closed';
  /** That answer: `not_enrolled`, `bad_invite`, `name_taken`, `wrong_community`, `replaced` … Absent after `close`. */
  readonly cause?: VollyError;
}

/** Where the connection to the gateway stands. */
export type ConnectionState = Offline | Connecting | Online | Closed;

export interface ConnectionOptions {
  /** `wss://chat.orchid.example/volly/v1` */
  readonly url: string;
  /** The server name the gateway must prove to speak for. */
  readonly server: ServerName;
  /** H(community key), 32 bytes: from the invite, and after `onSuccessor` the one that it was given. Read for each attempt. */
  readonly communityKeyHash: Bytes;
  /** The community has gone over to another key: to be pinned from now on. The handshake goes on once it resolves. */
  readonly onSuccessor: (communityKeyHash: Bytes) => Promise<void>;
  readonly credentials: Credentials;
  /** 16 bytes of an invite, for a member not enrolled yet. Harmless to leave in place afterwards. */
  readonly token?: Uint8Array;
  /** From an earlier run. */
  readonly ticket?: Ticket;
  /** Keeps the newest ticket for the next run (undefined: there is none any more). */
  readonly saveTicket?: (ticket: Ticket | undefined) => void;
  readonly open: (url: string) => WebSocketLike;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;

  /**
   * Called for each envelope in the order of arrival, without waiting for the ones before. Resolve once it is opened and kept: only
   * then is it acknowledged, and at most 256 may be open, so never wait in here for the user or for `onCaughtUp`. Rejecting with a
   * VollyError leaves it with the bridge, which offers it again after the next connect. The same envelope may come twice (same id).
   * `taken`: of one that was rejected, once: it was opened or dropped after all, and the bridge need not keep it any more.
   */
  readonly onEnvelope: (envelope: Envelope, taken: () => void) => Promise<void>;
  /** All that waited when this connection was made has been handed to `onEnvelope`. Once for each connection. */
  readonly onCaughtUp?: () => void;
  /** The bridges' word that the addressee's bridge has this offer. It may never come. */
  readonly onDelivered?: (offer: EnvelopeId) => void;
  /** The member's newest device list, when it is not the one that was presented: bytes and signature, both unverified. */
  readonly onList?: (list: Uint8Array, signature: Uint8Array) => void;
  /**
   * Once for each connection, just before it counts as online: H(the prekey statement) on the shelf, or empty. A device whose newest
   * prekey is another one calls `publish`.
   */
  readonly onShelved?: (prekeyHash: Uint8Array) => void;
  readonly onState?: (state: ConnectionState) => void;
}

export interface GatewayConnection {
  readonly state: ConnectionState;
  /** Connects, and from then on connects again by itself. */
  connect(): void;
  /** The network changed: leaves the connection there is, or the wait for the next attempt, and connects at once. */
  reconnect(): void;
  /**
   * Unix time in milliseconds by a monotonic clock that the gateway's signed time has set (section 12, *Time*); before the first
   * handshake the local clock.
   */
  now(): number;
  /**
   * Resolves when the bridge has committed it; it is kept over reconnects until then. Rejects with the code of a refusal, `expired`
   * when its end came before it was sent, `unconfirmed` when after, `overloaded` past 1,024 waiting ones, `not_connected` after close.
   */
  sendEnvelope(envelope: Envelope): Promise<void>;
  /** Shelves an encoded bundle (section 6), and its list if that is newer. Settles as `sendEnvelope` does. */
  publish(bundle: Uint8Array): Promise<void>;
  /** Says goodbye and stays away. What is unsettled rejects: `not_connected`, or `unconfirmed` if it was sent. */
  close(): void;
}
