/** Replay and rate of offers to one legacy member: steps 5 and 6 of PROTOCOL.md section 12. In memory, as the prekeys are: see keys.ts. */
import type { Clock } from '../../clock.ts';
import { VollyError } from '../../errors.ts';
import { type DeviceAddress, type MemberId, memberOf } from '../../ids.ts';
import type { Guard, ReplayKeys } from '../../protocol/opening.ts';
import { OfferReplayCache } from '../../protocol/replay.ts';

/** Offers that one member may make us verify: more than a person or its app ever makes. */
const RATE = { perMinute: 30, windowMs: 60_000, members: 1_000 } as const;

export class RecentOffers implements Guard {
  readonly #cache = new OfferReplayCache();
  readonly #clock: Clock;
  readonly #rates = new Map<MemberId, number>();
  #window = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  checkReplay(keys: ReplayKeys): void {
    this.#cache.check(keys, this.#clock.now());
  }

  checkRate(from: DeviceAddress): void {
    const window = Math.floor(this.#clock.monotonic() / RATE.windowMs);
    if (window !== this.#window) this.#rates.clear();
    this.#window = window;
    const member = memberOf(from);
    const count = this.#rates.get(member) ?? 0;
    if (count >= RATE.perMinute || (count === 0 && this.#rates.size >= RATE.members)) throw new VollyError('rate_limited');
    this.#rates.set(member, count + 1);
  }

  record(keys: ReplayKeys): void {
    this.#cache.record(keys, this.#clock.now());
  }
}
