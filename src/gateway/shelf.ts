/** The shelf of published keys, PROTOCOL.md section 6: checked before they are shelved, put together anew when they are asked for. */
import { type Bytes, equal } from '../bytes.ts';
import type { Clock } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, deviceOf, type Localpart, localpartOf, memberOf } from '../ids.ts';
import { checkBundle } from '../protocol/bundle.ts';
import { asArray, asBytes, decodeCbor, encodeCbor } from '../protocol/cbor.ts';
import { decodePrekey } from '../protocol/prekey.ts';
import type { Shelf } from '../routing/ports.ts';
import type { MemberStore } from '../storage/types.ts';
import { holds, type Leave, type Roster, unpackList } from './roster.ts';

/**
 * Each device's own parts beside the member's newest list, for the devices that it holds. Bundles of legacy members are the legacy
 * adapter's to make; without one they have none (section 16).
 */
export function memberShelf(members: MemberStore, clock: Pick<Clock, 'now'>, legacy?: Shelf): Shelf {
  return {
    async bundles(localpart) {
      const member = localpart as Localpart;
      const [kind, stored, rows] = await Promise.all([members.active(member), members.list(member), members.bundles(member)]);
      if (kind === 'legacy') return legacy?.bundles(member) ?? [];
      if (!kind || !stored) return [];
      const newest = unpackList(stored);
      return rows.flatMap(({ device, bundle }) => {
        const [, , dik, prekey, signature] = asArray(decodeCbor(bundle), 'bundle', 5);
        if (!holds(newest, device, sha256(asBytes(dik, 'dik')), clock.now())) return [];
        const parts = [newest.signed.bytes, newest.signed.signature, dik, prekey, signature] as readonly Bytes[];
        return [encodeCbor(parts)];
      });
    },
  };
}

/** Who publishes is a member already. */
const NO_LEAVE: Leave = { check: () => Promise.reject(new VollyError('not_enrolled')), spend: async () => {} };

export class Publisher {
  readonly #provider: Provider;
  readonly #members: MemberStore;
  readonly #roster: Roster;
  readonly #clock: Clock;

  constructor(options: { provider: Provider; members: MemberStore; roster: Roster; clock: Clock }) {
    this.#provider = options.provider;
    this.#members = options.members;
    this.#roster = options.roster;
    this.#clock = options.clock;
  }

  /**
   * Shelves what an authenticated device publishes of itself; a newer list in it becomes the member's list. Durable when it
   * resolves. Throws `wrong_sender` for another device's, `replayed` for an older prekey than is shelved, `not_end_to_end` for a legacy one, `not_enrolled` when the newest list no
   * longer holds the device, and what the checks of section 6 throw.
   */
  async publish(device: DeviceAddress, bundle: Uint8Array): Promise<void> {
    const now = this.#clock.now();
    const { identity, prekey } = checkBundle(this.#provider, bundle, { member: memberOf(device), known: {}, now });
    if (prekey.device !== deviceOf(device)) throw new VollyError('wrong_sender', 'a bundle of another device');
    const newest = await this.#roster.accept(identity, device, NO_LEAVE);
    if (!holds(newest, deviceOf(device), identity.dikHash, now)) throw new VollyError('not_enrolled');
    await this.#refuseOlder(device, identity.dikHash, prekey.epoch);
    await this.#members.publish(localpartOf(memberOf(device)), deviceOf(device), bundle);
  }

  /** Peers that saw the newer epoch would refuse the older one, and the member could not be called (section 5.3). */
  async #refuseOlder(device: DeviceAddress, dikHash: Uint8Array, epoch: number): Promise<void> {
    const shelved = await this.#members.bundles(localpartOf(memberOf(device)));
    const own = shelved.find((row) => row.device === deviceOf(device));
    if (!own) return;
    const [, , dik, prekey] = asArray(decodeCbor(own.bundle), 'bundle', 5);
    const sameKey = equal(sha256(asBytes(dik, 'dik')), dikHash);
    if (sameKey && decodePrekey(asBytes(prekey, 'prekey')).epoch > epoch) throw new VollyError('replayed', 'an older prekey');
  }
}
