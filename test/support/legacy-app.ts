/** A legacy app as it may have been written before there was any sealing: plain WebRTC over JSON frames on a WebSocket. */
import { once } from 'node:events';
import type { RTCDataChannel, RTCPeerConnection } from 'werift';
import { WebSocket } from 'ws';
import type { Community } from './community.ts';
import { peerConnection, within } from './people.ts';

export interface Frame {
  readonly type: 'offer' | 'answer' | 'candidate' | 'hangup';
  readonly from: string;
  readonly sdp: string;
  readonly reason: string;
  readonly candidate: { readonly candidate: string; readonly sdpMid: string | null; readonly sdpMLineIndex: number };
}

export class LegacyApp {
  readonly member: string;
  /** What came, in order. */
  readonly frames: Frame[] = [];
  /** Of the newest call. */
  pc: RTCPeerConnection = peerConnection();
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(member: string, socket: WebSocket) {
    this.member = member;
    this.#socket = socket;
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame;
      this.frames.push(frame);
      // As simple apps do: what does not fit any more is not looked at.
      if (frame.type === 'candidate') void this.pc.addIceCandidate(frame.candidate as never).catch(() => {});
      for (const look of this.#waiting) look();
    });
  }

  static async connect(community: Community, name: string, credential: string): Promise<LegacyApp> {
    const headers = { authorization: `Bearer ${credential}` };
    const socket = new WebSocket(`${community.gatewayUrl}/volly/legacy`, { headers });
    const app = new LegacyApp(`${name}@${community.serverName}`, socket);
    await within(`${name} connects`, once(socket, 'open'));
    return app;
  }

  /** The next frame of this type that nobody has looked for yet. */
  async heard(type: Frame['type']): Promise<Frame> {
    const find = () => this.frames.findIndex((frame) => frame.type === type);
    await within(
      `${this.member} hears ${type}`,
      new Promise<void>((resolve) => {
        const look = () => {
          if (find() < 0) return;
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
        look();
      }),
    );
    return this.frames.splice(find(), 1)[0] as Frame;
  }

  async call(to: string): Promise<RTCDataChannel> {
    this.#begin(to);
    const channel = this.pc.createDataChannel('talk');
    // Gathers first, so that this description has candidates in it.
    await this.pc.setLocalDescription(await this.pc.createOffer());
    this.#say({ type: 'offer', to, sdp: this.pc.localDescription?.sdp });
    const { sdp } = await this.heard('answer');
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
    return channel;
  }

  async answer({ from, sdp }: Frame): Promise<void> {
    this.#begin(from);
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.#say({ type: 'answer', to: from, sdp: this.pc.localDescription?.sdp });
  }

  hangUp(to: string, reason?: string): void {
    this.#say({ type: 'hangup', to, ...(reason && { reason }) });
  }

  async close(): Promise<void> {
    await this.pc.close();
    this.#socket.terminate();
  }

  #begin(to: string): void {
    void this.pc.close();
    this.pc = peerConnection();
    this.pc.onIceCandidate.subscribe((candidate) => {
      this.#say({ type: 'candidate', to, candidate: candidate ? candidate.toJSON() : null });
    });
  }

  #say(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
