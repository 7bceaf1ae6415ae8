/** The part of the W3C RTCPeerConnection that a call uses. A browser's fits as it is, and so does werift's. */

export interface CandidateInit {
  readonly candidate: string;
  readonly sdpMid: string;
  readonly sdpMLineIndex: number;
  readonly usernameFragment: string;
}

/** W3C: may lack `getRemoteCertificates` (werift, Firefox). */
export interface DtlsTransportLike {
  readonly state?: unknown;
  getRemoteCertificates?(): ArrayBuffer[];
}

// biome-ignore lint/suspicious/noExplicitAny: what the events of a browser and of werift have in common has no type that both accept
export type PeerListener = (event: any) => void;

export interface PeerConnectionLike {
  readonly signalingState: string;
  readonly iceConnectionState: string;
  readonly connectionState: string;
  readonly sctp?: { readonly transport: DtlsTransportLike } | null;
  getReceivers?(): readonly { readonly transport?: DtlsTransportLike | null }[];
  createOffer(): Promise<{ readonly sdp?: string }>;
  createAnswer(): Promise<{ readonly sdp?: string }>;
  setLocalDescription(description: { type: 'offer' | 'answer'; sdp: string } | { type: 'rollback' }): Promise<unknown>;
  setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<unknown>;
  addIceCandidate(candidate: CandidateInit): Promise<unknown>;
  restartIce(): void;
  close(): unknown;
  addEventListener(type: string, listener: PeerListener): void;
  removeEventListener(type: string, listener: PeerListener): void;
}
