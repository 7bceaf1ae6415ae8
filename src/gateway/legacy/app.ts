/** One admitted legacy app: its frames, how many of them, whether it is still there. */
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { Liveness } from '../../protocol/liveness.ts';
import { type AppFrame, type BridgeFrame, encodeFrame, parseFrame } from './frames.ts';
import type { TextSocket } from './socket.ts';

export interface AppOwner {
  onFrame(frame: AppFrame): void;
  /** At least each LIMITS.pingMs. */
  onPing(): void;
  onGone(): void;
}

export class App {
  readonly #socket: TextSocket;
  readonly #clock: Clock;
  readonly #owner: AppOwner;
  #tokens: number = LIMITS.framesBurst;
  #at: number;
  readonly #liveness: Liveness;
  #cancelPause: (() => void) | undefined;

  /** Takes the socket over. */
  constructor(socket: TextSocket, clock: Clock, owner: AppOwner) {
    this.#socket = socket;
    this.#clock = clock;
    this.#owner = owner;
    this.#at = clock.monotonic();
    const ping = () => {
      socket.ping();
      owner.onPing();
    };
    this.#liveness = new Liveness(clock, ping, () => socket.destroy());
    socket.onMessage = (text) => this.#receive(text);
    socket.onPong = () => this.#liveness.heard();
    socket.onClose = () => {
      this.#liveness.stop();
      this.#cancelPause?.();
      owner.onGone();
    };
  }

  send(frame: BridgeFrame): void {
    this.#socket.send(encodeFrame(frame));
    // It does not read. Nothing could be kept for it: a call's frames are worth nothing later.
    if (this.#socket.bufferedAmount <= LIMITS.socketBufferBytes) return;
    this.#socket.close('overloaded');
    this.#socket.destroy();
  }

  end(code: string): void {
    this.#socket.close(code);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** A malformed frame ends the connection: no app that works sends one, and its close code is the only way to say so. */
  #receive(text: string): void {
    this.#liveness.heard();
    let frame: AppFrame;
    try {
      frame = parseFrame(text);
    } catch (error) {
      this.end(error instanceof VollyError ? error.code : 'bad_encoding');
      return;
    }
    this.#spend(frame.type === 'offer' ? LIMITS.legacyOfferFrames : 1);
    this.#owner.onFrame(frame);
  }

  /** A token bucket. What is past it is not refused, since it may be a call's: the reader pauses until the debt is paid. */
  #spend(tokens: number): void {
    const now = this.#clock.monotonic();
    const earned = ((now - this.#at) / 1_000) * LIMITS.framesPerSecond;
    this.#tokens = Math.min(LIMITS.framesBurst, this.#tokens + earned) - tokens;
    this.#at = now;
    if (this.#tokens >= 0) return;
    this.#cancelPause?.();
    this.#socket.pause();
    const wait = Math.ceil((-this.#tokens / LIMITS.framesPerSecond) * 1_000);
    this.#cancelPause = this.#clock.after(wait, () => this.#socket.resume());
  }
}
