/** Other members' devices, asked of their communities. PROTOCOL.md section 6. */
import { equal } from '../bytes.ts';
import { codeOf, type ErrorCode, VollyError } from '../errors.ts';
import { type EnvelopeId, type MemberId, newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type BundleCheck, checkBundle, type Peer } from '../protocol/bundle.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { addressOf } from '../protocol/header.ts';
import type { Identity } from '../protocol/identity.ts';
import { type Answered, answer, ask, expire, type Requests } from '../protocol/requests.ts';
import type { Known } from '../protocol/trust.ts';
import type { PartyContext } from './context.ts';

interface Waiting {
  readonly member: MemberId;
  cancel: () => void;
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: VollyError) => void;
}

export interface KeyQueriesOwner {
  known(member: MemberId): Known | Promise<Known>;
  /** A sound bundle moves on what is remembered of a pinned member. */
  learn(member: MemberId, identity: Identity, seen: { readonly epoch: number }): Promise<void>;
  /** For a query that could not be sent by a bug, which has no code. */
  readonly unsent: ErrorCode;
  /** A bundle under another identity than the pinned one, and what it was checked by. */
  onIdentityChanged?(bundle: Uint8Array, check: Omit<BundleCheck, 'known'>): void;
}

export interface FetchOptions {
  readonly allowLegacy?: boolean;
}

/** Told above what else may be wrong with a member's other devices. */
const TELLING: readonly ErrorCode[] = ['identity_changed', 'downgrade', 'not_end_to_end'];

export class KeyQueries {
  readonly #context: PartyContext;
  readonly #owner: KeyQueriesOwner;
  #requests: Requests = new Map();
  readonly #waiting = new Map<EnvelopeId, Waiting>();

  constructor(context: PartyContext, owner: KeyQueriesOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  /**
   * The member's devices that may be sealed to, at least one. Not to be awaited inside the queue. Throws `unknown_member`, `timed_out`,
   * what the own bridge answered, or what was wrong with the bundles: first of all `identity_changed`, `downgrade`, `not_end_to_end`.
   */
  async fetch(member: MemberId, options: FetchOptions = {}): Promise<readonly [Peer, ...Peer[]]> {
    const answered = await this.#ask(member);
    if (answered.bundles.length === 0) throw new VollyError(answered.complete ? 'unknown_member' : 'timed_out', 'no keys');
    return this.#context.queue.run(() => this.#check(answered, options));
  }

  /** Inside the queue. Throws as `answer` of requests.ts does. */
  onBundle(envelope: EnvelopeOf<'app.volly.keys.bundle'>): void {
    const { requests, answered } = answer(this.#requests, envelope, this.#context.clock.monotonic());
    this.#requests = requests;
    if (answered) this.#settle(answered);
    else this.#setTimer(envelope.request);
  }

  /** Whose keys are asked for. */
  addressee(request: EnvelopeId): MemberId | undefined {
    return this.#waiting.get(request)?.member;
  }

  /** The query did not arrive. */
  onFailed(request: EnvelopeId, code: ErrorCode): void {
    const requests = new Map(this.#requests);
    requests.delete(request);
    this.#requests = requests;
    this.#take(request)?.reject(new VollyError(code, 'key query'));
  }

  #ask(member: MemberId): Promise<Answered> {
    const { random, clock, keys } = this.#context;
    const request = newEnvelopeId(random);
    // The wait is counted on a clock that nobody can set back, or it would have no end.
    this.#requests = ask(this.#requests, request, member, clock.monotonic());
    const from = addressOf(keys.local());
    const expires = this.#context.now() + LIMITS.keysLifeMs;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { member, cancel: () => {}, resolve, reject });
      this.#setTimer(request);
      // The same id for both: an `undeliverable` names the envelope.
      this.#context
        .send({ id: request, type: 'app.volly.keys.query', from, to: member, expires, request })
        .catch((error) => this.onFailed(request, codeOf(error) ?? this.#owner.unsent));
    });
  }

  #setTimer(request: EnvelopeId): void {
    const { clock } = this.#context;
    const waiting = this.#waiting.get(request);
    const until = this.#requests.get(request)?.until;
    if (!waiting || until === undefined) return;
    waiting.cancel();
    waiting.cancel = clock.after(until - clock.monotonic() + 1, () => {
      const { requests, answered } = expire(this.#requests, clock.monotonic());
      this.#requests = requests;
      for (const one of answered) this.#settle(one);
    });
  }

  #settle(answered: Answered): void {
    this.#take(answered.request)?.resolve(answered);
  }

  #take(request: EnvelopeId): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.cancel();
    return waiting;
  }

  async #check({ member, bundles }: Answered, { allowLegacy = false }: FetchOptions): Promise<readonly [Peer, ...Peer[]]> {
    const { provider, verified } = this.#context;
    const peers: Peer[] = [];
    const codes: ErrorCode[] = [];
    for (const bytes of bundles) {
      const check = { member, now: this.#context.keyNow(), allowLegacy, verified };
      try {
        const peer = checkBundle(provider, bytes, { ...check, known: await this.#owner.known(member) });
        // Whoever has no pin yet is about to be pinned: a bridge must not have another identity reached beside that one.
        if (peers[0] && !equal(peers[0].identity.rootHash, peer.identity.rootHash))
          throw new VollyError('wrong_sender', 'a second identity in one answer');
        await this.#owner.learn(member, peer.identity, { epoch: peer.prekey.epoch });
        peers.push(peer);
      } catch (error) {
        this.#context.refused(error, 'app.volly.keys.bundle');
        const code = codeOf(error) ?? 'bad_encoding';
        codes.push(code);
        if (code === 'identity_changed') this.#owner.onIdentityChanged?.(bytes, check);
      }
    }
    const [first, ...others] = peers;
    if (first) return [first, ...others];
    throw new VollyError(TELLING.find((code) => codes.includes(code)) ?? (codes[0] as ErrorCode), 'the keys of this member');
  }
}

/** The same device under the same identity, with a newer prekey. */
export const newerOf = (old: Peer, found: readonly Peer[]): Peer | undefined =>
  found.find(
    ({ target, prekey, identity }) =>
      addressOf(target) === addressOf(old.target) &&
      equal(identity.rootHash, old.identity.rootHash) &&
      prekey.epoch > old.prekey.epoch,
  );
