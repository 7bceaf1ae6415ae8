/**
 * Presence as the app sees it: our own state, members we watch, members who wish to see us. PROTOCOL.md section 13. A member is asked once
 * for each person; from then on all of that person's devices are granted without asking.
 */
import { codeOf, VollyError } from '../errors.ts';
import { type DeviceAddress, type MemberId, memberOf, parseMemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { addressOf } from '../protocol/header.ts';
import type { Identity } from '../protocol/identity.ts';
import type { Guard, OpenOpening } from '../protocol/opening.ts';
import { openSubscribe, sealSubscribe } from '../protocol/presence.ts';
import type { PresenceState } from '../protocol/presence-update.ts';
import { asSent } from './contacts.ts';
import type { Context } from './context.ts';
import type { Directory } from './directory.ts';
import { PresenceGiven } from './presence-given.ts';
import { loadPresence, savePresence } from './presence-record.ts';
import { PresenceSeen } from './presence-seen.ts';

type PresenceEnvelope = { [T in PresenceType]: EnvelopeOf<T> }[PresenceType];
type PresenceType = 'app.volly.presence' | 'app.volly.presence.subscribe' | 'app.volly.presence.grant';

/** A stranger, or a contact not asked before, wishes to see this user. Unanswered it is asked again later. */
export interface PresenceRequest {
  /** Who asks. */
  readonly from: MemberId;
  /** False = a first contact. */
  readonly known: boolean;
  /** Pins the member, and lets all of its devices see us. Throws `identity_changed` where another identity was pinned since. */
  accept(): Promise<void>;
  /** Says nothing to the member, and does not ask again in this run. */
  reject(): void;
}

/** @internal */
export interface PresenceOwner {
  readonly directory: Directory;
  readonly guard: Guard;
  isOnline(): boolean;
  onRequest(request: PresenceRequest): void;
  onShown(member: MemberId, state: PresenceState): void;
}

const SUBSCRIBE_AGAIN_MS = 600_000;
/** At most once in this time for a grant that could not be opened. */
const ASK_AGAIN_MS = 60_000;

/** Who sees whom: `client.presence`. PROTOCOL.md section 13. */
export class Presence {
  readonly #context: Context;
  readonly #owner: PresenceOwner;
  readonly #watched: Set<MemberId>;
  readonly #given: PresenceGiven;
  readonly #seen: PresenceSeen;
  /** Asked in this run, and the devices that wait for the answer. */
  readonly #asked = new Map<MemberId, Map<DeviceAddress, Identity>>();
  /** Watched members → when a grant of theirs made us ask again, on the monotonic clock. */
  readonly #askedAgain = new Map<MemberId, number>();
  readonly #timers = new Set<() => void>();

  private constructor(context: Context, owner: PresenceOwner, record: Awaited<ReturnType<typeof loadPresence>>) {
    this.#context = context;
    this.#owner = owner;
    this.#watched = new Set(record.watched);
    this.#given = new PresenceGiven(context, record.given);
    this.#seen = new PresenceSeen(context, record.got, (member, state) => owner.onShown(member, state));
  }

  /** @internal For client.ts. */
  static async load(context: Context, owner: PresenceOwner): Promise<Presence> {
    return new Presence(context, owner, await loadPresence(context.store));
  }

  /** What contacts see of this device: `offline` until set. */
  set(state: PresenceState): Promise<void> {
    return this.#context.queue.run(() => this.#tell(state));
  }

  /** What was `set` last. */
  get state(): PresenceState {
    return this.#given.state;
  }

  /**
   * Wishes to see a member, from now on and after restarts: the user adds a contact, so its identity is pinned. Its person is asked; then
   * `presence` events come. Rejects as `VollyClient.call` does before anything is sent.
   */
  async watch(address: string): Promise<void> {
    const member = parseMemberId(address);
    await this.#subscribe(member);
    this.#watched.add(member);
    await this.#context.queue.run(() => this.#save());
  }

  /** Does not see the member any more; its identity stays pinned. Rejects with `bad_address`. */
  async unwatch(address: string): Promise<void> {
    const member = parseMemberId(address);
    await this.#context.queue.run(async () => {
      this.#watched.delete(member);
      this.#seen.forget(member);
      await this.#save();
    });
  }

  /** What is shown of a member: its most available device; `offline` without a live update. */
  of(address: string): PresenceState {
    return this.#seen.of(parseMemberId(address));
  }

  /** From now on the member learns nothing more, and sees this one go offline by itself. */
  async revoke(address: string): Promise<void> {
    const member = parseMemberId(address);
    await this.#context.queue.run(async () => {
      this.#given.revoke(member);
      await this.#context.contacts.sharePresence(member, false);
      await this.#save();
    });
  }

  // What follows is for client.ts.

  /** @internal Each time the connection is up. */
  onOnline(first: boolean): void {
    this.#given.broadcast();
    if (!first) return;
    this.#later(() => this.#heartbeat());
    for (const member of this.#watched) void this.#subscribe(member).catch(() => {});
    this.#repeat(SUBSCRIBE_AGAIN_MS, () => {
      for (const member of this.#watched) void this.#subscribe(member).catch(() => {});
    });
  }

  /** @internal Inside the queue. Throws for what is refused. */
  async onEnvelope(envelope: PresenceEnvelope): Promise<void> {
    switch (envelope.type) {
      case 'app.volly.presence':
        if (!this.#watched.has(memberOf(envelope.from))) throw new VollyError('unknown_call', 'grant');
        // The newest number must outlive a restart, or its update could be shown again.
        if (this.#seen.onUpdate(envelope)) await this.#save();
        return;
      case 'app.volly.presence.subscribe':
        await this.#onSubscribe(envelope);
        return;
      case 'app.volly.presence.grant':
        await this.#onGrant(envelope);
        return;
    }
  }

  /** @internal Tells contacts and stops. Inside the queue. */
  onClose(): void {
    if (this.#given.state !== 'offline') this.#tell('offline');
    for (const cancel of this.#timers) cancel();
    this.#seen.stop();
  }

  /** Without a connection the next one tells it. */
  #tell(state: PresenceState): void {
    this.#given.set(state);
    if (this.#owner.isOnline()) this.#given.broadcast();
  }

  #options(from: DeviceAddress): OpenOpening {
    const { keys, contacts, verified } = this.#context;
    const known = contacts.known(memberOf(from));
    const times = { now: this.#context.now(), keyNow: this.#context.keyNow() };
    return { device: keys.local(), known, guard: this.#owner.guard, ...times, verified };
  }

  async #onSubscribe(envelope: EnvelopeOf<'app.volly.presence.subscribe'>): Promise<void> {
    const { contacts } = this.#context;
    const { from, identity } = await openSubscribe(this.#context.provider, envelope, this.#options(envelope.from));
    await contacts.learn(from.member, identity, { identity: asSent(identity) });
    const contact = contacts.get(from.member);
    if (contact.sharesPresence && contact.known.pin) {
      void this.#grant(from.member, [envelope.from]).catch((error) => this.#context.refused(error, envelope.type));
      return;
    }
    const asked = this.#asked.get(from.member);
    if (asked) {
      asked.set(envelope.from, identity);
      return;
    }
    this.#asked.set(from.member, new Map([[envelope.from, identity]]));
    this.#owner.onRequest({
      from: from.member,
      known: contact.known.pin !== undefined,
      accept: () => this.#accept(from.member),
      reject: () => {},
    });
  }

  async #accept(member: MemberId): Promise<void> {
    const { queue, contacts } = this.#context;
    const asked = this.#asked.get(member) ?? new Map<DeviceAddress, Identity>();
    this.#asked.delete(member);
    await queue.run(async () => {
      // The first one's root is what was asked about; a device of another is no device of this person.
      const [first] = asked.values();
      if (first) await contacts.pin(member, first);
      // A grant confirms the identity that came with the subscribe: from here on it may be left out, so it is kept.
      for (const identity of asked.values()) await contacts.learn(member, identity, { identity: asSent(identity) });
      await contacts.sharePresence(member, true);
    });
    await this.#grant(member, [...asked.keys()]);
  }

  async #grant(member: MemberId, devices: readonly DeviceAddress[]): Promise<void> {
    const peers = await this.#owner.directory.fetch(member);
    for (const peer of peers.filter(({ target }) => devices.includes(addressOf(target))))
      await this.#context.queue.run(async () => {
        // Revoked while the keys were fetched.
        if (this.#context.contacts.get(member).sharesPresence) await this.#given.grant(peer, () => this.#save());
      });
  }

  async #onGrant(envelope: EnvelopeOf<'app.volly.presence.grant'>): Promise<void> {
    const member = memberOf(envelope.from);
    if (!this.#watched.has(member)) throw new VollyError('forbidden_in_state', 'a grant nobody asked for');
    try {
      const grant = await this.#seen.onGrant(envelope, this.#options(envelope.from));
      await this.#context.contacts.confirm(member, grant.granter.dikHash, grant.contact.listVersion);
      await this.#save();
    } catch (error) {
      // Sealed to a prekey that is gone: ask again, and the answer comes to the one that is there.
      if (codeOf(error) === 'wrong_recipient') this.#askAgain(member);
      throw error;
    }
  }

  /** Nothing about such a grant is verified: whoever can send in the member's name could make us ask and sign without end. */
  #askAgain(member: MemberId): void {
    const now = this.#context.clock.monotonic();
    if (now < (this.#askedAgain.get(member) ?? Number.NEGATIVE_INFINITY) + ASK_AGAIN_MS) return;
    this.#askedAgain.set(member, now);
    void this.#subscribe(member).catch(() => {});
  }

  /** To each device of the member that has granted nothing yet. */
  async #subscribe(member: MemberId): Promise<void> {
    const { queue, contacts, keys, provider, random } = this.#context;
    const peers = await this.#owner.directory.fetch(member);
    await queue.run(async () => {
      const identity = peers[0]?.identity;
      if (identity) await contacts.pin(member, identity);
      for (const peer of peers) {
        const now = this.#context.now();
        if (this.#seen.hasGrant(addressOf(peer.target), now)) continue;
        const envelope = await sealSubscribe(provider, random, { device: keys.local(), peer, now, identity: keys.identity() });
        this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
      }
    });
  }

  /** Jittered, so that a community's members do not speak in chorus; two may be lost before anyone looks offline. */
  #heartbeat(): void {
    const [byte] = this.#context.random(1);
    this.#later(
      () => {
        if (this.#owner.isOnline()) void this.#context.queue.run(() => this.#given.broadcast());
        for (const member of this.#given.due(this.#context.now())) {
          const devices = this.#given.grants
            .map(({ contact }) => addressOf(contact))
            .filter((device) => memberOf(device) === member);
          void this.#grant(member, devices).catch((error) => this.#context.refused(error, 'app.volly.presence.grant'));
        }
        this.#heartbeat();
      },
      LIMITS.presenceLifeMs * (0.3 + 0.1 * ((byte as number) / 255)),
    );
  }

  #repeat(ms: number, task: () => void): void {
    this.#later(() => {
      task();
      this.#repeat(ms, task);
    }, ms);
  }

  #later(task: () => void, ms = 0): void {
    const cancel = this.#context.clock.after(ms, () => {
      this.#timers.delete(cancel);
      task();
    });
    this.#timers.add(cancel);
  }

  #save(): Promise<void> {
    return savePresence(this.#context.store, {
      watched: [...this.#watched],
      given: this.#given.grants,
      got: this.#seen.receivers,
    });
  }
}
