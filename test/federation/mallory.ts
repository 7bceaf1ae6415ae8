/**
 * A member whom no bridge knows, with real keys of its own: what the operator of a hostile community can make up. All that mallory signs
 * verifies; what is wrong is wrong on purpose.
 */
import { type Bytes, concat } from '../../src/bytes.ts';
import { systemRandom } from '../../src/clock.ts';
import { compositeSign, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { XWING, xwingPublicKey } from '../../src/crypto/xwing.ts';
import { newCallId } from '../../src/ids.ts';
import { encodeBundle, type Peer } from '../../src/protocol/bundle.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { type EnvelopeOf, envelopeToJson } from '../../src/protocol/envelope.ts';
import { encodeIdentity } from '../../src/protocol/identity.ts';
import { decodeList } from '../../src/protocol/list.ts';
import { sealOffer } from '../../src/protocol/offer.ts';
import { encodePrekey } from '../../src/protocol/prekey.ts';
import { CONTEXT, SUITE } from '../../src/protocol/suite.ts';
import { Device, User } from '../gateway/people.ts';
import { freshId } from './operator.ts';

export const provider = selectProvider();

type Offer = EnvelopeOf<'app.volly.call.offer'>;
type Fields = { -readonly [K in keyof Offer]: Offer[K] };

/** A point whose product with any key is the same: X25519 gives no secret. */
const LOW_ORDER_POINT = new Uint8Array(32);

/** The X25519 part stands at the end of an X-Wing key and of its ciphertext. */
export const withLowOrderPoint = (bytes: Uint8Array): Bytes => concat(bytes.subarray(0, -32), LOW_ORDER_POINT);

/** The header with some of its fields replaced. */
export const withHeader = (header: Uint8Array, changes: Readonly<Record<number, Cbor>>): Bytes =>
  encodeCbor((decodeCbor(header) as readonly Cbor[]).map((field, at) => changes[at] ?? field));

export class Mallory {
  readonly user: User;
  readonly device: Device;

  constructor(member: string) {
    this.user = new User(provider, systemRandom, member);
    this.device = this.user.add('PHONE', Date.now());
  }

  /** An offer to this peer that would ring, unless `spoil` does something to it; it is signed after that. */
  async offer(peer: Peer, sdp: string, spoil: (offer: Fields) => void = () => {}, device = this.device): Promise<Fields> {
    const { member, uik, list } = this.user;
    const local = {
      ...{
        member,
        device: device.id,
        uikHash: sha256(uik),
        dikHash: sha256(device.dik),
        sign: compositeSigner(provider, device.dikSeed),
      },
      ...{ listVersion: decodeList(list.bytes).version, prekeys: [] },
    };
    const callId = newCallId(systemRandom);
    const options = { device: local, peer, callId, sdp, policy: 'none' as const, now: Date.now() };
    const { envelope } = await sealOffer(provider, systemRandom, { ...options, identity: encodeIdentity(list, device.dik) });
    const offer: Fields = { ...envelope };
    spoil(offer);
    const { header, quantum_key, sealed } = offer;
    offer.signature = compositeSign(provider, device.dikSeed, concat(header, quantum_key, sealed), CONTEXT.offer);
    return offer;
  }

  /** A device that no list of this member names. */
  unlisted(): Device {
    return new Device(this.user, 'ROGUE');
  }

  /** The device's bundle, its prekey statement signed as it stands. */
  bundle({
    lowOrder = false,
    suites = [SUITE],
  }: {
    readonly lowOrder?: boolean;
    readonly suites?: readonly string[];
  } = {}): Bytes {
    const { member, uik, list } = this.user;
    const { id: device, dik, dikSeed } = this.device;
    const good = xwingPublicKey(provider, systemRandom(XWING.seed));
    const spk = lowOrder ? withLowOrderPoint(good) : good;
    const [epoch, notAfter] = [Date.now(), Date.now() + 86_400_000];
    const bytes = encodePrekey({ member, device, uikHash: sha256(uik), spkId: epoch, spk, suites, epoch, notAfter });
    return encodeBundle(list, dik, { bytes, signature: compositeSign(provider, dikSeed, bytes, CONTEXT.prekey) });
  }
}

/** As it stands in an event; under another id it is another envelope for the bridges, and the same message for the device. */
export const onTheWire = (offer: Fields): Record<string, unknown> => envelopeToJson(offer);
export const again = (envelope: Readonly<Record<string, unknown>>): Record<string, unknown> => ({ ...envelope, id: freshId() });
