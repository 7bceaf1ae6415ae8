/** Answers key queries for own members: one bundle envelope per device, whether they are online or not. */
import type { Clock, RandomBytes } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { localpartOf, newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { Buckets } from './buckets.ts';
import type { Lives } from './lives.ts';
import type { Shelf } from './ports.ts';

type Query = EnvelopeOf<'app.volly.keys.query'>;
type Bundle = EnvelopeOf<'app.volly.keys.bundle'>;

export class Keys {
  readonly #shelf: Shelf;
  readonly #lives: Lives;
  readonly #random: RandomBytes;
  readonly #rate: Buckets;
  readonly #devices: Buckets;

  constructor(shelf: Shelf, lives: Lives, clock: Clock, random: RandomBytes) {
    this.#shelf = shelf;
    this.#lives = lives;
    this.#random = random;
    this.#rate = new Buckets(clock, LIMITS.keyQueriesPerSecond, LIMITS.keyQueriesBurst);
    this.#devices = new Buckets(clock, LIMITS.keyQueriesPerDevicePerSecond, LIMITS.keyQueriesPerDeviceBurst);
  }

  /** `asker` is who is counted: another server, or an own device. Throws `rate_limited`. */
  async answer(query: Query, asker: string): Promise<readonly Bundle[]> {
    // The device first: what it asks too much is not on its server's account.
    if (!this.#devices.take(query.from) || !this.#rate.take(asker)) throw new VollyError('rate_limited', 'key queries');
    const bundles = (await this.#shelf.bundles(localpartOf(query.to))).slice(0, LIMITS.devicesPerMember);
    if (bundles.length === 0) return [this.#bundle(query, 0, 0)];
    return bundles.map((bundle, index) => this.#bundle(query, index, bundles.length, bundle));
  }

  #bundle(query: Query, index: number, count: number, bundle?: Uint8Array): Bundle {
    const type = 'app.volly.keys.bundle';
    return {
      id: newEnvelopeId(this.#random),
      type,
      from: query.to,
      to: query.from,
      expires: this.#lives.expires(type),
      request: query.request,
      index,
      count,
      ...(bundle ? { bundle: Uint8Array.from(bundle) } : {}),
    };
  }
}
