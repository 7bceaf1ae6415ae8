/** Other members' devices, asked of their communities. PROTOCOL.md section 6. */
import { type ErrorCode, VollyError } from '../errors.ts';
import { deviceAddress, type EnvelopeId, type MemberId, newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type BundleCheck, checkBundle, type Peer } from '../protocol/bundle.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { type Answered, answer, ask, expire, type Requests } from '../protocol/requests.ts';
import { type Context, codeOf } from './context.ts';

interface Waiting {
  readonly member: MemberId;
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: VollyError) => void;
}

/** Told to the user above what else may be wrong with a member's other devices. */
const TELLING: readonly ErrorCode[] = ['identity_changed', 'downgrade', 'not_end_to_end'];

export class Directory {
  readonly #context: Context;
  readonly #onChanged: (member: MemberId) => void;
  #requests: Requests = new Map();
  readonly #waiting = new Map<EnvelopeId, Waiting>();

  /** `onChanged`: a member shows another identity than the pinned one, and proves to hold it. */
  constructor(context: Context, onChanged: (member: MemberId) => void) {
    this.#context = context;
    this.#onChanged = onChanged;
  }

  /**
   * The member's devices that may be sealed to, at least one. Not to be awaited inside the queue. Throws `unknown_member`, `timed_out`,
   * what the own bridge answered, or what was wrong with the bundles: first of all `identity_changed`, `downgrade`, `not_end_to_end`.
   */
  async fetch(member: MemberId, options: { readonly allowLegacy?: boolean } = {}): Promise<readonly Peer[]> {
    const answered = await this.#ask(member);
    if (answered.bundles.length === 0) throw new VollyError(answered.complete ? 'unknown_member' : 'timed_out', 'no keys');
    return this.#context.queue.run(() => this.#check(answered, options));
  }

  /** Inside the queue. Throws as `answer` of requests.ts does. */
  onBundle(envelope: EnvelopeOf<'app.volly.keys.bundle'>): void {
    const { requests, answered } = answer(this.#requests, envelope, this.#context.now());
    this.#requests = requests;
    if (answered) this.#settle(answered);
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
    this.#waiting.get(request)?.reject(new VollyError(code, 'key query'));
    this.#waiting.delete(request);
  }

  #ask(member: MemberId): Promise<Answered> {
    const { random, clock, keys } = this.#context;
    const request = newEnvelopeId(random);
    const now = this.#context.now();
    this.#requests = ask(this.#requests, request, member, now);
    const from = deviceAddress(keys.account.member, keys.account.device);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { member, resolve, reject });
      // The same id for both: an `undeliverable` names the envelope.
      const expires = now + LIMITS.keysLifeMs;
      this.#context
        .send({ id: request, type: 'app.volly.keys.query', from, to: member, expires, request })
        .catch((error) => this.onFailed(request, codeOf(error) ?? 'not_connected'));
      clock.after(LIMITS.bundleWaitMs + 1, () => {
        const { requests, answered } = expire(this.#requests, this.#context.now());
        this.#requests = requests;
        for (const one of answered) this.#settle(one);
      });
    });
  }

  #settle(answered: Answered): void {
    this.#waiting.get(answered.request)?.resolve(answered);
    this.#waiting.delete(answered.request);
  }

  async #check({ member, bundles }: Answered, { allowLegacy = false }: { readonly allowLegacy?: boolean }): Promise<Peer[]> {
    const { contacts, provider, verified } = this.#context;
    const peers: Peer[] = [];
    const codes: ErrorCode[] = [];
    for (const bytes of bundles) {
      const options: BundleCheck = { member, known: contacts.known(member), now: this.#context.keyNow(), allowLegacy, verified };
      try {
        const peer = checkBundle(provider, bytes, options);
        await contacts.learn(member, peer.identity, { epoch: peer.prekey.epoch });
        peers.push(peer);
      } catch (error) {
        this.#context.refused(error, 'app.volly.keys.bundle');
        const code = codeOf(error) ?? 'bad_encoding';
        codes.push(code);
        if (code === 'identity_changed') this.#noteChanged(member, bytes, options);
      }
    }
    if (peers.length > 0) return peers;
    throw new VollyError(TELLING.find((code) => codes.includes(code)) ?? (codes[0] as ErrorCode), 'the keys of this member');
  }

  /** What the user is asked to accept must at least be sound in itself. */
  #noteChanged(member: MemberId, bytes: Uint8Array, options: BundleCheck): void {
    try {
      const { identity } = checkBundle(this.#context.provider, bytes, { ...options, known: {} });
      this.#context.contacts.noteChanged(member, identity.rootHash);
      this.#onChanged(member);
    } catch (error) {
      this.#context.refused(error, 'app.volly.keys.bundle');
    }
  }
}
