/** What is done with an envelope for this community, from another one or from an own device alike. */
import { isErrorCode } from '../errors.ts';
import { type DeviceAddress, deviceOf, type EnvelopeId, LEGACY_DEVICE, localpartOf, memberOf, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Envelope, EnvelopeOf } from '../protocol/envelope.ts';
import type { MemberStore } from '../storage/types.ts';
import type { End, Ends } from './ends.ts';
import type { Hellos } from './hellos.ts';
import type { Inbox } from './inbox.ts';
import type { Keys } from './keys.ts';
import type { Lives } from './lives.ts';
import type { Outbox } from './outbox.ts';
import type { Counters, Doorway, Steps } from './ports.ts';
import { RecentIds } from './recent.ts';

export interface ArrivalsOptions {
  readonly own: ServerName;
  readonly members: Pick<MemberStore, 'active' | 'devices'>;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly ends: Ends;
  readonly keys: Keys;
  readonly hellos: Hellos;
  readonly doorway: Doorway;
  readonly lives: Lives;
  readonly counters: Counters;
  readonly steps: Steps;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #recent = new RecentIds(LIMITS.recentIds);
  /** By (origin, id): what is being taken, and not remembered yet. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /**
   * `origin` is the server that `from` belongs to and that sent it. Resolves when the envelope, or the answer to it, is on disk.
   * A repeated envelope changes nothing. Throws `overloaded`, `rate_limited`, `database`, `wrong_sender`.
   */
  async take(envelope: Envelope, origin: ServerName, deadline: number): Promise<void> {
    switch (envelope.type) {
      case 'app.volly.ack':
        return this.#options.outbox.acknowledge(origin, envelope.acks);
      case 'app.volly.hello':
        return this.#options.hellos.received(envelope);
      case 'app.volly.undeliverable':
        return this.#once(origin, envelope.id, () => this.#undeliverable(envelope, origin, deadline));
      case 'app.volly.presence':
        if (this.#recent.add(`${origin} ${envelope.id}`)) this.#options.doorway.deliver(envelope.to, envelope);
        return;
      case 'app.volly.keys.query':
        return this.#once(origin, envelope.id, () => this.#query(envelope, origin, deadline));
      default:
        return this.#once(origin, envelope.id, () => this.#forDevice(envelope, envelope.to, origin, deadline));
    }
  }

  /** Repeats that waited through an outage come together: those of one that is under way share its success or failure. */
  #once(origin: ServerName, id: EnvelopeId, take: () => Promise<void>): Promise<void> {
    const key = `${origin} ${id}`;
    const taking = this.#underWay.get(key) ?? take().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, taking);
    return taking;
  }

  async #forDevice(envelope: Envelope, to: DeviceAddress, origin: ServerName, deadline: number): Promise<void> {
    const { own, inbox, ends, doorway } = this.#options;
    if (await this.#exists(to)) {
      // Full, it is not acknowledged and so repeated: a device that is there makes room within moments, one that is away perhaps in time.
      await inbox.accept(origin, to, envelope, deadline);
      if (origin === own && envelope.type === 'app.volly.call.offer') doorway.delivered(envelope.from, envelope.id);
      return;
    }
    // Told before it is remembered: a crash in between tells twice, the other order not at all.
    if (await inbox.seen(origin, envelope.id)) return;
    await ends.tell(envelope, 'unknown_member');
    await inbox.remember(origin, envelope.id, deadline);
  }

  async #exists(device: DeviceAddress): Promise<boolean> {
    const member = localpartOf(memberOf(device));
    const kind = await this.#options.members.active(member);
    if (kind === 'legacy') return deviceOf(device) === LEGACY_DEVICE;
    return kind === 'enhanced' && (await this.#options.members.devices(member)).some((row) => row.device === deviceOf(device));
  }

  async #query(query: EnvelopeOf<'app.volly.keys.query'>, origin: ServerName, deadline: number): Promise<void> {
    const { own, inbox, outbox, keys, lives } = this.#options;
    if (await inbox.seen(origin, query.id)) return;
    const local = origin === own;
    const bundles = await keys.answer(query, local ? query.from : origin);
    const keep = (bundle: (typeof bundles)[number]) =>
      local ? inbox.accept(own, bundle.to, bundle, lives.deadline(bundle)) : outbox.enqueue(bundle, lives.deadline(bundle));
    // Together: they share a commit and, on the way, events.
    await Promise.all(bundles.map(keep));
    await inbox.remember(origin, query.id, deadline);
  }

  /** Counts only from the server the named envelope was for, and only for the device that sent it; once. */
  async #undeliverable(end: End, origin: ServerName, deadline: number): Promise<void> {
    const { own, outbox, ends, counters, steps } = this.#options;
    const known = await outbox.conclude(end, origin, () => ends.hear(end, own, deadline));
    // Told already, by this end or another, and forgotten: true all the same, so it is acknowledged.
    if (!known) counters.count('late_end');
    else steps.step('ended', { id: end.envelope, from: end.to }, { code: isErrorCode(end.reason) ? end.reason : 'other' });
  }
}
