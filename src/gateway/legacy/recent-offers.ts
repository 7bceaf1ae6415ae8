/** Replay and rate of offers to one legacy member: steps 5 and 6 of PROTOCOL.md section 12. In memory, as the prekeys are: see keys.ts. */
import type { Clock } from '../../clock.ts';
import { OpeningRates } from '../../party/opening-rates.ts';
import type { Guard } from '../../protocol/opening.ts';
import { OfferReplayCache } from '../../protocol/replay.ts';

export class RecentOffers {
  readonly #cache = new OfferReplayCache();
  readonly #clock: Clock;
  readonly #rates: OpeningRates;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rates = new OpeningRates(clock);
  }

  /** For one offer. `isContact`: the member has called or answered who claims to send it. */
  guard(isContact: boolean): Guard {
    return {
      checkReplay: (keys) => this.#cache.check(keys, this.#clock.now()),
      checkRate: (from) => this.#rates.count(from, isContact),
      record: (keys) => this.#cache.record(keys, this.#clock.now()),
    };
  }
}
