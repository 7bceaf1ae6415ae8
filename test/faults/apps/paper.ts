/**
 * A peer connection of paper: descriptions are Chromium's, nothing is ever connected. A number that is said becomes a candidate, and one
 * that the other side's SDK applies is a number heard: so order and exactly-once show at the SDK's output.
 */
import { readFileSync } from 'node:fs';
import type { CandidateInit, PeerConnectionLike, PeerListener } from '../../../src/client/peer-connection.ts';

const fixture = new URL('../../fixtures/sdp/chromium-156.json', import.meta.url);
const { av } = JSON.parse(readFileSync(fixture, 'utf8')) as { av: { readonly offer: string; readonly answer: string } };

export interface PaperConnection extends PeerConnectionLike {
  say(n: number): void;
}

export function paperConnection(onHeard: (n: number) => void): PaperConnection {
  const listeners = new Set<PeerListener>();
  return {
    signalingState: 'stable',
    iceConnectionState: 'new',
    connectionState: 'new',
    createOffer: async () => ({ sdp: av.offer }),
    createAnswer: async () => ({ sdp: av.answer }),
    setLocalDescription: async () => {},
    setRemoteDescription: async () => {},
    addIceCandidate: async ({ candidate }: CandidateInit) => onHeard(Number(/^candidate:(\d+) /.exec(candidate)?.[1])),
    restartIce() {},
    close: () => listeners.clear(),
    addEventListener: (type, listener) => void (type === 'icecandidate' && listeners.add(listener)),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
    say(n) {
      const candidate = `candidate:${n} 1 udp 2122260223 192.0.2.1 50000 typ host`;
      for (const listener of listeners)
        listener({ candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: '' } });
    },
  };
}
