/** The subscriber's side: what members let us see. PROTOCOL.md section 13. Runs inside the client's queue. */
import { VollyError } from '../errors.ts';
import { type CallId, type DeviceAddress, type MemberId, memberOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { addressOf } from '../protocol/header.ts';
import type { OpenOpening } from '../protocol/opening.ts';
import { type Grant, openGrant } from '../protocol/presence.ts';
import { openUpdate, PRESENCE, type PresenceReceiver, type PresenceState, readUpdate } from '../protocol/presence-update.ts';
import { asSent } from './contacts.ts';
import type { Context } from './context.ts';

type Update = EnvelopeOf<'app.volly.presence'>;

interface Seen {
  receiver: PresenceReceiver;
  state: PresenceState;
  /** Unix time in milliseconds: offline after it. */
  until: number;
}

export class PresenceSeen {
  readonly #context: Context;
  readonly #onShown: (member: MemberId, state: PresenceState) => void;
  readonly #seen = new Map<DeviceAddress, Seen>();
  readonly #shown = new Map<MemberId, PresenceState>();
  readonly #early = new Map<CallId, { readonly update: Update; drop(): void }>();
  #cancel: (() => void) | undefined;

  constructor(context: Context, got: readonly PresenceReceiver[], onShown: (member: MemberId, state: PresenceState) => void) {
    this.#context = context;
    this.#onShown = onShown;
    for (const receiver of got) this.#add(receiver);
  }

  get receivers(): readonly PresenceReceiver[] {
    return [...this.#seen.values()].map(({ receiver }) => receiver);
  }

  /** Without a live update a member is offline. */
  of(member: MemberId): PresenceState {
    return this.#shown.get(member) ?? 'offline';
  }

  hasGrant(device: DeviceAddress, now: number): boolean {
    return now < (this.#seen.get(device)?.receiver.grant.expires ?? 0);
  }

  /** Throws as `openGrant` does. */
  async onGrant(envelope: EnvelopeOf<'app.volly.presence.grant'>, options: OpenOpening): Promise<Grant> {
    const newest = this.#seen.get(envelope.from)?.receiver.grant.number ?? 0;
    const { grant, identity } = await openGrant(this.#context.provider, envelope, { ...options, newest });
    await this.#context.contacts.learn(grant.granter.member, identity, { identity: asSent(identity) });
    this.#seen.get(envelope.from)?.receiver.grant.key.fill(0);
    this.#add({ grant });
    const early = this.#early.get(grant.id);
    early?.drop();
    // The grant stands whatever was put beside it.
    try {
      if (early) this.onUpdate(early.update);
    } catch (error) {
      this.#context.refused(error, 'app.volly.presence');
    }
    return grant;
  }

  /** Of a watched member. True where it opened, so that there is something new to keep. Throws as `openUpdate` does. */
  onUpdate(envelope: Update): boolean {
    const seen = this.#seen.get(envelope.from);
    const { grant } = readUpdate(envelope);
    if (seen?.receiver.grant.id !== grant) {
      this.#hold(grant, envelope);
      return false;
    }
    const now = this.#context.now();
    const { state, expires, receiver } = openUpdate(this.#context.provider, envelope, seen.receiver, now);
    Object.assign(seen, { receiver, state, until: Math.min(expires, receiver.grant.expires) });
    this.#show(memberOf(envelope.from), now);
    this.#watchExpiry();
    return true;
  }

  forget(member: MemberId): void {
    for (const [device, { receiver }] of this.#seen)
      if (memberOf(device) === member) {
        receiver.grant.key.fill(0);
        this.#seen.delete(device);
      }
    this.#show(member, this.#context.now());
  }

  stop(): void {
    this.#cancel?.();
    for (const { drop } of [...this.#early.values()]) drop();
  }

  #add(receiver: PresenceReceiver): void {
    this.#seen.set(addressOf(receiver.grant.granter), { receiver, state: 'offline', until: 0 });
  }

  #hold(grant: CallId, envelope: Update): void {
    if (this.#early.size >= LIMITS.heldUpdates && !this.#early.has(grant)) throw new VollyError('unknown_call', 'grant');
    this.#early.get(grant)?.drop();
    const cancel = this.#context.clock.after(LIMITS.heldUpdateMs, () => this.#early.delete(grant));
    const drop = () => {
      cancel();
      this.#early.delete(grant);
    };
    this.#early.set(grant, { update: envelope, drop });
  }

  /** The most available of the member's devices. */
  #show(member: MemberId, now: number): void {
    const states = [...this.#seen]
      .filter(([device, seen]) => memberOf(device) === member && now < seen.until)
      .map(([, { state }]) => state);
    const best = PRESENCE.find((state) => states.includes(state)) ?? 'offline';
    if (best === this.of(member)) return;
    this.#shown.set(member, best);
    this.#onShown(member, best);
  }

  #watchExpiry(): void {
    this.#cancel?.();
    const now = this.#context.now();
    const ends = [...this.#seen.values()].map(({ until }) => until).filter((until) => until > now);
    if (ends.length === 0) return;
    this.#cancel = this.#context.clock.after(Math.min(...ends) - now + 1, () => {
      for (const member of new Set([...this.#seen.keys()].map(memberOf))) this.#show(member, this.#context.now());
      this.#watchExpiry();
    });
  }
}
