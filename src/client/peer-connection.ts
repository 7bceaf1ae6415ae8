/** The part of the W3C RTCPeerConnection that a call uses. A browser's fits as it is, and so does werift's. */

export interface Description {
  readonly type: 'offer' | 'answer' | 'pranswer' | 'rollback';
  readonly sdp?: string | undefined;
}

export interface CandidateInit {
  readonly candidate: string;
  readonly sdpMid: string;
  readonly sdpMLineIndex: number;
  readonly usernameFragment: string;
}

/** W3C: may lack `getRemoteCertificates` (werift, Firefox). */
export interface DtlsTransportLike {
  getRemoteCertificates?(): ArrayBuffer[];
}

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
  addEventListener(type: string, listener: (event: never) => void): void;
  removeEventListener(type: string, listener: (event: never) => void): void;
}
