/** The granter's side: who may see us, and the updates they get. PROTOCOL.md section 13. Runs inside the client's queue. */
import type { DeviceAddress, MemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Peer } from '../protocol/bundle.ts';
import { addressOf } from '../protocol/header.ts';
import { type Grant, sealGrant } from '../protocol/presence.ts';
import { type PresenceSender, type PresenceState, sealUpdate, startPresence } from '../protocol/presence-update.ts';
import type { Context } from './context.ts';

/** A grant of 7 days is renewed after 5. */
const RENEW_BEFORE_MS = 2 * 86_400_000;

interface Given {
  readonly grant: Grant;
  /** Of this app start, from its first update on; a new salt each time. */
  sender?: PresenceSender;
}

export class PresenceGiven {
  readonly #context: Context;
  /** When this run sent its first update, by the gateway's time: a local clock that was ahead would make all later runs look older. */
  #started: number | undefined;
  readonly #given = new Map<DeviceAddress, Given>();
  #state: PresenceState = 'offline';

  constructor(context: Context, grants: readonly Grant[]) {
    this.#context = context;
    for (const grant of grants) this.#add(grant);
  }

  get grants(): readonly Grant[] {
    return [...this.#given.values()].map(({ grant }) => grant);
  }

  get state(): PresenceState {
    return this.#state;
  }

  has(device: DeviceAddress): boolean {
    return this.#given.has(device);
  }

  /** Members with a grant that ends within two days. */
  due(now: number): readonly MemberId[] {
    const due = this.grants.filter(({ expires }) => expires - now < RENEW_BEFORE_MS);
    return [...new Set(due.map(({ contact }) => contact.member))];
  }

  /** A new grant in place of the older one. Its envelope goes out once `save` has put it into the store, and the state after it. */
  async grant(peer: Peer, save: () => Promise<void>): Promise<void> {
    const { provider, random, keys, contacts } = this.#context;
    const device = keys.local();
    const { member, dikHash } = peer.target;
    const now = this.#context.now();
    const old = this.#given.get(addressOf(peer.target));
    // As epochs: above every earlier one, also of a store that was restored.
    const number = Math.max(now, (old?.grant.number ?? 0) + 1);
    const identity = contacts.hasConfirmed(member, dikHash, device.listVersion) ? {} : { identity: keys.identity() };
    const { envelope, grant } = await sealGrant(provider, random, { device, peer, now, number, ...identity });
    old?.grant.key.fill(0);
    this.#add(grant);
    await save();
    this.#context.send(envelope).catch((error) => this.#context.refused(error, envelope.type));
    // It may overtake its grant on the way: the other side holds it.
    this.#update(this.#given.get(addressOf(grant.contact)) as Given);
  }

  /** Erases what this member was granted. Nothing is sent: to them we go offline by ourselves. */
  revoke(member: MemberId): void {
    for (const [device, { grant }] of this.#given)
      if (grant.contact.member === member) {
        grant.key.fill(0);
        this.#given.delete(device);
      }
  }

  /** To be broadcast. */
  set(state: PresenceState): void {
    this.#state = state;
  }

  /** On each change, each connect and each heartbeat; only while the connection is up, or there is no time to go by. */
  broadcast(): void {
    const now = this.#context.now();
    for (const [device, given] of this.#given)
      if (now < given.grant.expires) this.#update(given);
      else this.#given.delete(device);
  }

  #add(grant: Grant): void {
    this.#given.set(addressOf(grant.contact), { grant });
  }

  #update(given: Given): void {
    const { provider, random } = this.#context;
    const now = this.#context.now();
    this.#started ??= now;
    const from = given.sender ?? startPresence(random, given.grant, this.#started);
    const options = { state: this.#state, now, lifetime: LIMITS.presenceLifeMs };
    const { envelope, sender } = sealUpdate(provider, random, from, options);
    given.sender = sender;
    // Never acknowledged and never repeated: the next one says it better.
    this.#context.send(envelope).catch(() => {});
  }
}
