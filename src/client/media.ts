/**
 * The glue to the peer connection. It moves descriptions and candidates, and knows nothing of seals and states: when to offer, and who
 * yields, call.ts of protocol/ decides. A call owns its peer connection from `call` or `accept` on and closes it when it ends; its events
 * are listened to with `addEventListener`, so the app's own `on…` handlers stay.
 *
 * Where werift (tests, Node) differs from browsers, and what is done so that one path serves both:
 * - `setLocalDescription` resolves only when gathering is over (up to 5 s with STUN), in browsers at once. So it is not awaited: the
 *   description goes out as `createOffer` made it. Both work their operations off in order, so a later one never overtakes it.
 * - `setLocalDescription()` without an argument is not relied on: glare is settled on the wire before the connection hears of it.
 * - The last `icecandidate` event has `undefined` where browsers have `null`.
 * - After an ICE restart it connects anew but its data channels stay silent (werift 0.25, also without this SDK), and
 *   `negotiationneeded` fires once more than needed: one negotiation without new keys follows.
 * - `getRemoteCertificates` is missing (as in Firefox): there its own check of the fingerprint stands alone.
 */
import type { Clock } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Queue } from '../party/queue.ts';
import { type Candidate, checkCandidate } from '../protocol/candidate.ts';
import { withoutCandidates } from '../protocol/sdp.ts';
import { certificatesMatch } from './media-check.ts';
import { ufragsOf } from './media-sdp.ts';
import type { CandidateInit, PeerConnectionLike } from './peer-connection.ts';

/** What the peer connection asks of its call. */
export interface MediaOwner {
  /** Up to LIMITS.candidatesPerMessage at a time. */
  onCandidates(batch: readonly Candidate[]): void;
  /** Throws where no renegotiation can come to an end. */
  beforeOffer(): void;
  /**
   * A renegotiation's offer is ready. `rekey`: it restarts ICE. False where the other side's offer came first: ours is taken back, and
   * `negotiationneeded` fires again when the state is stable.
   */
  onOffer(sdp: string, rekey: boolean): Promise<boolean>;
  onIce(connected: boolean): void;
  onConnection(state: string): void;
  /** A renegotiation that nobody waits for. */
  onRefused(error: unknown): void;
  onFault(code: ErrorCode): void;
}

export class Media {
  readonly #pc: PeerConnectionLike;
  readonly #clock: Clock;
  readonly #owner: MediaOwner;
  /** Operations in order: a candidate never overtakes its description. */
  readonly #queue = new Queue();
  readonly #off: (() => void)[] = [];
  #waiting: Candidate[] = [];
  /** Candidates may leave and renegotiations begin: the callee has answered, the caller selected (section 9.4). */
  #open = false;
  #batching: (() => void) | undefined;
  /** Of the newest local description: candidates of another generation are worth nothing. */
  #ufrags: ReadonlySet<string> = new Set();
  #remoteSdp = '';
  #closed = false;

  constructor(pc: PeerConnectionLike, clock: Clock, owner: MediaOwner) {
    this.#pc = pc;
    this.#clock = clock;
    this.#owner = owner;
    this.#listen('icecandidate', (event: { candidate?: CandidateInit | null }) =>
      this.#onCandidate(event.candidate ?? undefined),
    );
    this.#listen('negotiationneeded', () => void this.negotiate().catch((error) => owner.onRefused(error)));
    this.#listen('iceconnectionstatechange', () => owner.onIce(/^(connected|completed)$/.test(pc.iceConnectionState)));
    this.#listen('connectionstatechange', () => this.#onConnection());
  }

  /** The call's first offer. */
  offer(): Promise<string> {
    return this.#queue.run(() => this.#describe('offer'));
  }

  /** Applies an offer, the first or a later one, and makes its answer. Ours, if one is out, is rolled back first (polite). */
  answer(offer: string): Promise<string> {
    return this.#queue.run(async () => {
      if (this.#pc.signalingState === 'have-local-offer') await this.#pc.setLocalDescription({ type: 'rollback' });
      await this.#setRemote('offer', offer);
      return this.#describe('answer');
    });
  }

  takeAnswer(answer: string): Promise<void> {
    return this.#queue.run(() => this.#setRemote('answer', answer));
  }

  /** Those that do not fit the description are left out: they may belong to one that was rolled back. */
  addCandidates(batch: readonly Candidate[]): Promise<void> {
    return this.#queue.run(async () => {
      for (const { candidate, sdpMid, sdpMLineIndex, ufrag } of batch) {
        if (this.#closed) return;
        await this.#pc.addIceCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment: ufrag }).catch(() => {});
      }
    });
  }

  /** From here on candidates leave; those found so far first. */
  open(): void {
    this.#open = true;
    if (this.#waiting.length > 0) this.#batch();
  }

  /** New ICE credentials, and with them new keys of the call (section 10). */
  async restartIce(): Promise<void> {
    this.#owner.beforeOffer();
    this.#pc.restartIce();
    await this.negotiate();
  }

  /** Makes and sends an offer, unless one is on its way either way: then `negotiationneeded` comes again. Throws as `beforeOffer`. */
  negotiate(): Promise<void> {
    return this.#queue.run(async () => {
      if (!this.#open || this.#closed) return;
      // Before anything is described: a rollback would only have it asked for again.
      this.#owner.beforeOffer();
      if (this.#pc.signalingState !== 'stable') return;
      const before = this.#ufrags;
      const sdp = await this.#describe('offer');
      // All ICE credentials new (RFC 8839 section 4.4.1.1.1): a restart.
      const sent = await this.#owner.onOffer(sdp, ![...this.#ufrags].some((ufrag) => before.has(ufrag)));
      if (sent || this.#closed) return;
      this.#ufrags = before;
      await this.#pc.setLocalDescription({ type: 'rollback' });
    });
  }

  close(): void {
    this.detach();
    this.#pc.close();
  }

  /** Leaves the peer connection as it is: in a glare it goes over to the call that won. */
  detach(): PeerConnectionLike {
    this.#closed = true;
    this.#batching?.();
    for (const off of this.#off) off();
    return this.#pc;
  }

  #listen<E>(type: string, listener: (event: E) => void): void {
    this.#pc.addEventListener(type, listener);
    this.#off.push(() => this.#pc.removeEventListener(type, listener));
  }

  async #describe(type: 'offer' | 'answer'): Promise<string> {
    const made = await (type === 'offer' ? this.#pc.createOffer() : this.#pc.createAnswer());
    const full = made.sdp ?? '';
    this.#pc.setLocalDescription({ type, sdp: full }).catch(() => {
      if (!this.#closed) this.#owner.onFault('bad_sdp');
    });
    this.#ufrags = ufragsOf(full);
    return withoutCandidates(full);
  }

  async #setRemote(type: 'offer' | 'answer', sdp: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type, sdp }).catch((cause) => {
      throw new VollyError('bad_sdp', `the peer connection refused the ${type}`, { cause });
    });
    this.#remoteSdp = sdp;
  }

  #onCandidate(found: CandidateInit | undefined): void {
    const end = !found || found.candidate === '';
    const candidate: Candidate = {
      candidate: end ? '' : found.candidate,
      sdpMid: found?.sdpMid ?? '',
      sdpMLineIndex: found?.sdpMLineIndex ?? 0,
      ufrag: found?.usernameFragment ?? '',
    };
    // What the grammar does not carry (an unheard-of transport) would only be refused there: the call goes on without it.
    if (!isSound(candidate)) return;
    this.#waiting.push(candidate);
    if (this.#open) this.#batch();
  }

  #batch(): void {
    this.#batching ??= this.#clock.after(LIMITS.candidateBatchMs, () => {
      this.#batching = undefined;
      const all = this.#waiting.filter(({ ufrag }) => ufrag === '' || this.#ufrags.has(ufrag));
      this.#waiting = [];
      for (let at = 0; at < all.length; at += LIMITS.candidatesPerMessage)
        this.#owner.onCandidates(all.slice(at, at + LIMITS.candidatesPerMessage));
    });
  }

  #onConnection(): void {
    const state = this.#pc.connectionState;
    this.#owner.onConnection(state);
    if (state !== 'connected') return;
    if (!certificatesMatch(this.#pc, this.#remoteSdp)) this.#owner.onFault('media_mismatch');
  }
}

function isSound(candidate: Candidate): boolean {
  try {
    checkCandidate(candidate);
    return true;
  } catch {
    return false;
  }
}
