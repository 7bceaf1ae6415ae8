/** The part of the W3C RTCPeerConnection that a call uses. A browser's fits as it is, and so does werift's. */

/** W3C's RTCIceCandidateInit, as a call hands it over. */
export interface CandidateInit {
  /** The candidate's line; empty at the end of the candidates. */
  readonly candidate: string;
  /** The media section's name; empty where the other side named none. */
  readonly sdpMid: string;
  /** The media section's place. */
  readonly sdpMLineIndex: number;
  /** Of the description that it belongs to. */
  readonly usernameFragment: string;
}

/** W3C: may lack `getRemoteCertificates` (werift, Firefox). */
export interface DtlsTransportLike {
  /** Not looked at. */
  readonly state?: unknown;
  /** DER. What the SDK compares with the fingerprints that were sealed and signed; where it is missing, the connection's own check stands alone. */
  getRemoteCertificates?(): ArrayBuffer[];
}

/** What carries data channels or a track. */
export interface TransportedLike {
  /** Its DTLS. */
  readonly transport?: DtlsTransportLike | null;
}

/** What `createOffer` and `createAnswer` make. */
export interface DescriptionLike {
  /** The SDP. */
  readonly sdp?: string;
}

/** Listens to `icecandidate`, `negotiationneeded` and the changes of state. */
// biome-ignore lint/suspicious/noExplicitAny: what the events of a browser and of werift have in common has no type that both accept
export type PeerListener = (event: any) => void;

/** W3C's members of these names, and no others. */
export interface PeerConnectionLike {
  /** `have-local-offer` tells that an offer of ours is out. */
  readonly signalingState: string;
  /** `connected` and `completed` count as media that flow. */
  readonly iceConnectionState: string;
  /** What `Call` raises as `connection`. */
  readonly connectionState: string;
  /** Of the data channels. */
  readonly sctp?: TransportedLike | null;
  /** Of the tracks. */
  getReceivers?(): readonly TransportedLike[];
  /** Makes an offer. */
  createOffer(): Promise<DescriptionLike>;
  /** Makes an answer. */
  createAnswer(): Promise<DescriptionLike>;
  /** With what was made, or taking an offer back; not awaited. */
  setLocalDescription(description: { type: 'offer' | 'answer'; sdp: string } | { type: 'rollback' }): Promise<unknown>;
  /** With the peer's, whose candidates come by themselves. */
  setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<unknown>;
  /** One of the peer's. */
  addIceCandidate(candidate: CandidateInit): Promise<unknown>;
  /** The next offer has new ICE credentials, and new keys with them. */
  restartIce(): void;
  /** When the call ends. */
  close(): unknown;
  /** So that the app's own `on…` handlers stay. */
  addEventListener(type: string, listener: PeerListener): void;
  /** When the call ends. */
  removeEventListener(type: string, listener: PeerListener): void;
}
