/** Other members' devices, asked of their communities for a legacy member. PROTOCOL.md section 6. */
import { equal } from '../../bytes.ts';
import { type ErrorCode, VollyError } from '../../errors.ts';
import { deviceAddress, type EnvelopeId, type MemberId, newEnvelopeId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { checkBundle, type Peer } from '../../protocol/bundle.ts';
import type { EnvelopeOf } from '../../protocol/envelope.ts';
import { LEGACY_DEVICE } from '../../protocol/legacy.ts';
import { type Answered, answer, ask, expire, type Requests } from '../../protocol/requests.ts';
import { type Context, codeOf } from './context.ts';

interface Waiting {
  readonly member: MemberId;
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: VollyError) => void;
}

/** Told above what else may be wrong with a member's other devices. */
const TELLING: readonly ErrorCode[] = ['identity_changed', 'downgrade'];

export class KeyQueries {
  readonly #context: Context;
  #requests: Requests = new Map();
  readonly #waiting = new Map<EnvelopeId, Waiting>();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * The member's devices that may be sealed to, at least one, all under one identity. Not to be awaited inside the queue. Throws
   * `unknown_member`, `timed_out`, what the router answered, or what was wrong with the bundles.
   */
  async fetch(member: MemberId): Promise<readonly [Peer, ...Peer[]]> {
    const answered = await this.#ask(member);
    if (answered.bundles.length === 0) throw new VollyError(answered.complete ? 'unknown_member' : 'timed_out', 'no keys');
    return this.#context.queue.run(() => this.#check(answered));
  }

  /** Inside the queue. Throws as `answer` of requests.ts does. */
  onBundle(envelope: EnvelopeOf<'app.volly.keys.bundle'>): void {
    const { requests, answered } = answer(this.#requests, envelope, this.#context.clock.monotonic());
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
    this.#requests = ask(this.#requests, request, member, clock.monotonic());
    const from = deviceAddress(keys.member, LEGACY_DEVICE);
    const expires = clock.now() + LIMITS.keysLifeMs;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { member, resolve, reject });
      // The same id for both: an `undeliverable` names the envelope.
      this.#context
        .send({ id: request, type: 'app.volly.keys.query', from, to: member, expires, request })
        .catch((error) => this.onFailed(request, codeOf(error) ?? 'overloaded'));
      clock.after(LIMITS.bundleWaitMs + 1, () => {
        const { requests, answered } = expire(this.#requests, clock.monotonic());
        this.#requests = requests;
        for (const one of answered) this.#settle(one);
      });
    });
  }

  #settle(answered: Answered): void {
    this.#waiting.get(answered.request)?.resolve(answered);
    this.#waiting.delete(answered.request);
  }

  async #check({ member, bundles }: Answered): Promise<readonly [Peer, ...Peer[]]> {
    const { peers, provider, verified, clock } = this.#context;
    const sound: Peer[] = [];
    const codes: ErrorCode[] = [];
    for (const bytes of bundles) {
      try {
        // Our side of the call ends at a bridge already: a peer whose side does too takes nothing away.
        const options = { member, known: await peers.known(member), now: clock.now(), allowLegacy: true, verified };
        const peer = checkBundle(provider, bytes, options);
        await peers.learn(member, peer.identity, { epoch: peer.prekey.epoch });
        sound.push(peer);
      } catch (error) {
        this.#context.refused(error, 'app.volly.keys.bundle');
        codes.push(codeOf(error) ?? 'bad_encoding');
      }
    }
    const [first, ...others] = sound;
    if (!first) throw new VollyError(TELLING.find((code) => codes.includes(code)) ?? (codes[0] as ErrorCode), 'their keys');
    return [first, ...others.filter(({ identity }) => equal(identity.rootHash, first.identity.rootHash))];
  }
}
