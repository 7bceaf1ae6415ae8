/** How many offers, subscribes and grants one device verifies: step 6 of PROTOCOL.md section 12. */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, type MemberId, memberOf, type ServerName, serverOf } from '../ids.ts';

/**
 * In a minute. Of one member: more than a person or its app ever makes. Strangers' names cost their server nothing and are not verified
 * yet, so they share: a server its 120, all servers 600. Contacts stand beside that.
 */
const RATE = { member: 30, strangersOfServer: 120, strangers: 600, windowMs: 60_000 } as const;

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
    const window = Math.floor(this.#clock.monotonic() / RATE.windowMs);
    if (window !== this.#window) {
      this.#members.clear();
      this.#servers.clear();
      this.#strangers = 0;
    }
    this.#window = window;
    const member = memberOf(from);
    if (!isContact) this.#countStranger(serverOf(member));
    count(this.#members, member, RATE.member);
  }

  #countStranger(server: ServerName): void {
    if (this.#strangers >= RATE.strangers) throw new VollyError('rate_limited', 'strangers');
    count(this.#servers, server, RATE.strangersOfServer);
    this.#strangers++;
  }
}

function count<K>(counts: Map<K, number>, name: K, most: number): void {
  const before = counts.get(name) ?? 0;
  if (before >= most) throw new VollyError('rate_limited', 'openings');
  counts.set(name, before + 1);
}
