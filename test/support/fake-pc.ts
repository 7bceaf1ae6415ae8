/** A peer connection without a network: its descriptions pass the grammar of calls, its states change when a test says so. */
import { createHash } from 'node:crypto';
import type { CandidateInit, PeerConnectionLike } from '../../src/client/peer-connection.ts';

type Kind = 'audio' | 'video' | 'application';

const MEDIA: Readonly<Record<Kind, string>> = {
  audio: 'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  video: 'm=video 9 UDP/TLS/RTP/SAVPF 96',
  application: 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
};

let made = 0;

export class FakePeerConnection implements PeerConnectionLike {
  signalingState = 'stable';
  iceConnectionState = 'new';
  connectionState = 'new';
  /** What was done to it, in order. */
  readonly log: string[] = [];
  readonly remoteCandidates: CandidateInit[] = [];
  localSdp: string | undefined;
  remoteSdp: string | undefined;
  closed = false;
  /** The certificate it would show of the other side; undefined = it shows none. */
  remoteCertificate: Uint8Array<ArrayBuffer> | undefined;
  readonly certificate: Uint8Array<ArrayBuffer>;
  readonly #kinds: readonly Kind[];
  readonly #listeners = new Map<string, Set<(event: never) => void>>();
  readonly #number = ++made;
  #generation = 0;
  #restart = true;

  constructor(kinds: readonly Kind[] = ['application']) {
    this.#kinds = kinds;
    this.certificate = new TextEncoder().encode(`certificate ${this.#number}`);
  }

  get ufrag(): string {
    return `u${String(this.#number).padStart(3, '0')}g${this.#generation}`;
  }

  get fingerprint(): string {
    const hash = createHash('sha256').update(this.certificate).digest('hex').toUpperCase();
    return (hash.match(/../g) as string[]).join(':');
  }

  get sctp() {
    const shown = this.remoteCertificate;
    return { transport: shown ? { getRemoteCertificates: () => [shown.buffer] } : {} };
  }

  async createOffer() {
    return { sdp: this.#describe(this.#kinds, 'actpass') };
  }

  async createAnswer() {
    const kinds = [...(this.remoteSdp ?? '').matchAll(/^m=(\w+)/gm)].map(([, kind]) => kind as Kind);
    return { sdp: this.#describe(kinds, 'active') };
  }

  async setLocalDescription(description: { type: 'offer' | 'answer'; sdp: string } | { type: 'rollback' }): Promise<void> {
    this.log.push(`local ${description.type}`);
    if (description.type === 'rollback') {
      this.#require('have-local-offer');
      this.signalingState = 'stable';
      return;
    }
    this.#require(description.type === 'offer' ? 'stable' : 'have-remote-offer');
    this.localSdp = description.sdp;
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription({ type, sdp }: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
    this.log.push(`remote ${type}`);
    this.#require(type === 'offer' ? 'stable' : 'have-local-offer');
    this.remoteSdp = sdp;
    this.signalingState = type === 'offer' ? 'have-remote-offer' : 'stable';
  }

  async addIceCandidate(candidate: CandidateInit): Promise<void> {
    if (!this.remoteSdp) throw new Error('InvalidStateError: no remote description');
    this.remoteCandidates.push(candidate);
  }

  restartIce(): void {
    this.#restart = true;
  }

  close(): void {
    this.closed = true;
    this.signalingState = 'closed';
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(listener));
  }

  removeEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.get(type)?.delete(listener);
  }

  // What a test makes happen.

  findCandidates(count: number): void {
    for (let i = 0; i < count; i++) {
      const candidate = `candidate:${i + 1} 1 udp 2122260223 192.0.2.${(i % 250) + 1} 50000 typ host generation 0 ufrag ${this.ufrag}`;
      this.#fire('icecandidate', { candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: this.ufrag } });
    }
  }

  endCandidates(): void {
    this.#fire('icecandidate', { candidate: null });
  }

  connect(): void {
    this.iceConnectionState = 'connected';
    this.connectionState = 'connected';
    this.#fire('iceconnectionstatechange', {});
    this.#fire('connectionstatechange', {});
  }

  disconnect(): void {
    this.iceConnectionState = 'disconnected';
    this.#fire('iceconnectionstatechange', {});
  }

  /** A track was added in mid-call. */
  needNegotiation(): void {
    this.#fire('negotiationneeded', {});
  }

  #fire(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  #require(state: string): void {
    if (this.signalingState !== state) throw new Error(`InvalidStateError: ${this.signalingState}, not ${state}`);
  }

  #describe(kinds: readonly Kind[], setup: string): string {
    if (this.#restart) this.#generation++;
    this.#restart = false;
    const lines = [
      'v=0',
      'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      `a=group:BUNDLE ${kinds.map((_, i) => i).join(' ')}`,
    ];
    for (const [i, kind] of kinds.entries()) {
      lines.push(
        MEDIA[kind],
        'c=IN IP4 0.0.0.0',
        `a=ice-ufrag:${this.ufrag}`,
        'a=ice-pwd:0123456789abcdefghijkl',
        'a=ice-options:trickle',
      );
      lines.push(`a=fingerprint:sha-256 ${this.fingerprint}`, `a=setup:${setup}`, `a=mid:${i}`);
      if (kind === 'application') lines.push('a=sctp-port:5000', 'a=max-message-size:262144');
      else lines.push('a=sendrecv', 'a=rtcp-mux', kind === 'audio' ? 'a=rtpmap:111 opus/48000/2' : 'a=rtpmap:96 VP8/90000');
    }
    return `${lines.join('\r\n')}\r\n`;
  }
}
