/** How many offers, subscribes and grants one device verifies: step 6 of PROTOCOL.md section 12. */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, type MemberId, memberOf, type ServerName, serverOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';

/** What the limits of openings are for. */
const WINDOW_MS = 60_000;

export class OpeningRates {
  readonly #clock: Clock;
  #window = 0;
  /** Strangers among them are at most so many as may pass: nothing that arrives makes this grow. */
  readonly #members = new Map<MemberId, number>();
  readonly #servers = new Map<ServerName, number>();
  #strangers = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `isContact`: the user has pinned this very member. Throws `rate_limited`. */
  count(from: DeviceAddress, isContact: boolean): void {
    const window = Math.floor(this.#clock.monotonic() / WINDOW_MS);
    if (window !== this.#window) {
      this.#members.clear();
      this.#servers.clear();
      this.#strangers = 0;
    }
    this.#window = window;
    const member = memberOf(from);
    if (!isContact) this.#countStranger(serverOf(member));
    count(this.#members, member, LIMITS.openingsPerMember);
  }

  #countStranger(server: ServerName): void {
    if (this.#strangers >= LIMITS.openingsOfStrangers) throw new VollyError('rate_limited', 'strangers');
    count(this.#servers, server, LIMITS.openingsOfStrangersPerServer);
    this.#strangers++;
  }
}

function count<K>(counts: Map<K, number>, name: K, most: number): void {
  const before = counts.get(name) ?? 0;
  if (before >= most) throw new VollyError('rate_limited', 'openings');
  counts.set(name, before + 1);
}
