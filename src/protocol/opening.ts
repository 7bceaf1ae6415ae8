/**
 * Sealing and opening what reaches a device out of the blue: offer, subscribe, grant. One construction for the three: HPKE base to
 * the prekey, signed by the sender's DIK. PROTOCOL.md sections 9.1, 12 and 13.
 */
import { type Bytes, concat, equal, toHex, utf8 } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import { type ExportRequest, openBase, sealBase } from '../crypto/hpke.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type CallId, callIdBytes, type DeviceAddress, type MemberId, newEnvelopeId } from '../ids.ts';
import { decodeBody } from './body.ts';
import type { Peer } from './bundle.ts';
import type { Cbor } from './cbor.ts';
import {
  checkOpeningTime,
  checkSender,
  OPENINGS,
  type Opening,
  type OpeningEnvelope,
  type OpeningType,
  openingHash,
  readOpening,
  type Verified,
} from './check.ts';
import type { LocalDevice, LocalPrekey } from './device.ts';
import type { EnvelopeOf } from './envelope.ts';
import { addressOf, encodeHeader, type Header, partyOf } from './header.ts';
import type { Identity } from './identity.ts';
import type { Known } from './trust.ts';

export interface SealOpening<T extends OpeningType> {
  readonly type: T;
  readonly device: LocalDevice;
  readonly peer: Peer;
  readonly callId: CallId;
  readonly seq: number;
  readonly now: number;
  readonly lifetime: number;
  /** Padded. */
  readonly body: Bytes;
  readonly exports: readonly ExportRequest[];
  /** Beside the message unless the device has confirmed this list version. */
  readonly identity?: Bytes | undefined;
  /** 64 bytes, for reproducible vectors with the noble provider only. */
  readonly eseed?: Uint8Array | undefined;
}

export async function sealOpening<T extends OpeningType>(
  provider: Provider,
  random: RandomBytes,
  options: SealOpening<T>,
): Promise<{ readonly envelope: EnvelopeOf<T>; readonly hash: Bytes; readonly exported: readonly Bytes[] }> {
  const { type, device, peer, callId, seq, now, lifetime, identity, eseed } = options;
  const from = partyOf(device);
  const to = peer.target;
  const { bytes } = encodeHeader({ type, direction: 0, callId, from, to, epoch: 0, seq, sentTs: now, lifetime });
  const { context } = OPENINGS[type];
  const { enc, ciphertext, exported } = await sealBase(provider, {
    publicKey: peer.prekey.spk,
    info: concat(utf8(context), sha256(bytes)),
    aad: bytes,
    plaintext: options.body,
    exports: options.exports,
    ...(eseed && { eseed }),
  });
  const signed = concat(bytes, enc, ciphertext);
  const envelope = {
    id: newEnvelopeId(random),
    type,
    from: addressOf(from),
    to: addressOf(to),
    expires: now + lifetime,
    header: bytes,
    quantum_key: enc,
    sealed: ciphertext,
    signature: device.sign(signed, context),
    ...(identity && { identity }),
  } as unknown as EnvelopeOf<T>;
  return { envelope, hash: openingHash({ signed }), exported };
}

/** What the replay cache remembers of a message, in hexadecimal. */
export interface ReplayKeys {
  /** H(enc). */
  readonly enc: string;
  /** H(sender's DIK) ‖ call_id. */
  readonly call: string;
  /** The type and H(sender's DIK): of subscribes and grants only the newest counts. */
  readonly stream: string;
  /** Whose share it takes. */
  readonly sender: MemberId;
  /** Unix time in milliseconds. */
  readonly sentTs: number;
}

/** Steps 5 and 6 of section 12, which need state: the client hands them in. */
export interface Guard {
  /** Step 5. Throws `replayed`, or `rate_limited` where the sender's share is full. */
  checkReplay(keys: ReplayKeys): void;
  /** Step 6. Throws `rate_limited`. */
  checkRate(from: DeviceAddress): void;
  /**
   * After step 8. Must remember before it returns, since a second copy may be checked next, and resolve when that is durable:
   * nothing rings before.
   */
  record(keys: ReplayKeys): Promise<void> | void;
}

export interface OpenOpening {
  readonly device: LocalDevice;
  /** What is remembered of the member who claims to send. */
  readonly known: Known;
  readonly guard: Guard;
  readonly now: number;
  /** By which lists expire: the later of gateway and local clock, so that neither alone brings an expired one back. Default `now`. */
  readonly keyNow?: number;
  readonly verified?: Verified;
}

export interface Opened {
  readonly header: Header;
  readonly identity: Identity;
  readonly hash: Bytes;
  readonly body: Cbor;
  readonly exported: readonly Bytes[];
}

/** All of section 12, in its order; throws each step's codes. Steps 1 to 8 run without a pause, so no copy slips in between. */
export async function openOpening(
  provider: Provider,
  envelope: OpeningEnvelope,
  exports: readonly ExportRequest[],
  options: OpenOpening,
): Promise<Opened> {
  const { guard, now, keyNow = now } = options;
  const opening = readOpening(envelope);
  const prekey = findPrekey(options.device, opening);
  checkOpeningTime(opening, now);
  const keys = replayKeys(opening);
  guard.checkReplay(keys);
  guard.checkRate(envelope.from);
  const identity = checkSender(provider, opening, { ...options, now: keyNow });
  await guard.record(keys);
  const { plaintext, exported } = await openBase(provider, {
    seed: prekey.seed,
    enc: envelope.quantum_key,
    info: concat(utf8(OPENINGS[envelope.type].context), sha256(opening.bytes)),
    aad: opening.bytes,
    ciphertext: envelope.sealed,
    exports,
  });
  return { header: opening.header, identity, hash: openingHash(opening), body: decodeBody(plaintext), exported };
}

/** Step 3. Throws `wrong_recipient`. */
function findPrekey(device: LocalDevice, { to }: Opening): LocalPrekey {
  const mine =
    to.member === device.member &&
    to.device === device.device &&
    equal(to.uikHash, device.uikHash) &&
    equal(to.dikHash, device.dikHash);
  if (!mine) throw new VollyError('wrong_recipient', 'another device or identity');
  // A list this device has never seen was not made by its member, or it was and this device is behind: either way not yet.
  if (to.listVersion > device.listVersion) throw new VollyError('wrong_recipient', 'a newer list than the own');
  const prekey = device.prekeys.find((one) => equal(one.hash, to.prekeyHash));
  if (!prekey) throw new VollyError('wrong_recipient', 'an unknown prekey');
  return prekey;
}

const replayKeys = ({ envelope, header }: Opening): ReplayKeys => ({
  enc: toHex(sha256(envelope.quantum_key)),
  call: toHex(concat(header.from.dikHash, callIdBytes(header.callId))),
  stream: `${envelope.type} ${toHex(header.from.dikHash)}`,
  sender: header.from.member,
  sentTs: header.sentTs,
});
