/** Asking to see a member's presence, and being granted it: two messages sealed as an offer is. PROTOCOL.md section 13. */
import type { Bytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type CallId, newCallId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { encodeBody, PADDING } from './body.ts';
import type { Peer } from './bundle.ts';
import { asArray } from './cbor.ts';
import type { LocalDevice } from './device.ts';
import type { EnvelopeOf } from './envelope.ts';
import { type Party, partyOf } from './header.ts';
import type { Identity } from './identity.ts';
import { type OpenOpening, openOpening, sealOpening } from './opening.ts';

type Subscribe = EnvelopeOf<'app.volly.presence.subscribe'>;
type GrantEnvelope = EnvelopeOf<'app.volly.presence.grant'>;

const GRANT_KEY = { label: 'volly/1/presence/key', length: 32 };

/** A pairwise right to see: the granter keeps it to send updates, the contact's device to open them. */
export interface Grant {
  /** The grant's call_id: 128 random bits. */
  readonly id: CallId;
  /** 32 bytes, secret; erased when it is revoked, replaced, or expires. */
  readonly key: Bytes;
  readonly granter: Party;
  readonly contact: Party;
  /** Rises with each grant to one device. */
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly expires: number;
}

interface SealRequest {
  readonly device: LocalDevice;
  /** From `checkBundle`. */
  readonly peer: Peer;
  readonly now: number;
  /** The own encoded identity, unless that device has confirmed it. */
  readonly identity?: Bytes;
  /** 64 bytes, for reproducible vectors with the noble provider only. */
  readonly eseed?: Uint8Array;
}

const emptyBody = (): Bytes => encodeBody([], PADDING.presence);

export async function sealSubscribe(
  provider: Provider,
  random: RandomBytes,
  { device, peer, now, identity, eseed }: SealRequest,
): Promise<Subscribe> {
  const { envelope } = await sealOpening(provider, random, {
    ...{ type: 'app.volly.presence.subscribe' as const, device, peer, callId: newCallId(random), seq: 0, now },
    ...{ lifetime: LIMITS.grantLifeMs, body: emptyBody(), exports: [], identity, eseed },
  });
  return envelope;
}

/** Who wishes to see. Answered by itself only where the user accepted this identity before. Throws the codes of section 12. */
export async function openSubscribe(
  provider: Provider,
  envelope: Subscribe,
  options: OpenOpening,
): Promise<{ readonly from: Party; readonly identity: Identity }> {
  const { header, identity, body } = await openOpening(provider, envelope, [], options);
  asArray(body, 'subscribe', 0);
  return { from: header.from, identity };
}

export async function sealGrant(
  provider: Provider,
  random: RandomBytes,
  /** `number` is above that of every earlier grant to this device. */
  { device, peer, now, identity, eseed, number }: SealRequest & { readonly number: number },
): Promise<{ readonly envelope: GrantEnvelope; readonly grant: Grant }> {
  const id = newCallId(random);
  const lifetime = LIMITS.grantLifeMs;
  const { envelope, exported } = await sealOpening(provider, random, {
    ...{ type: 'app.volly.presence.grant' as const, device, peer, callId: id, seq: number, now, lifetime },
    ...{ body: emptyBody(), exports: [GRANT_KEY], identity, eseed },
  });
  const [granter, contact] = [partyOf(device), partyOf(peer.target)];
  return { envelope, grant: { id, key: exported[0] as Bytes, granter, contact, number, expires: now + lifetime } };
}

/**
 * `newest` is the number of the newest grant of this device so far, 0 without one. Throws `replayed` for one that is not above it
 * and the codes of section 12.
 */
export async function openGrant(
  provider: Provider,
  envelope: GrantEnvelope,
  options: OpenOpening & { readonly newest: number },
): Promise<{ readonly grant: Grant; readonly identity: Identity }> {
  const { header, identity, body, exported } = await openOpening(provider, envelope, [GRANT_KEY], options);
  asArray(body, 'grant', 0);
  const { callId: id, from: granter, to, seq: number, sentTs, lifetime } = header;
  if (number <= options.newest) throw new VollyError('replayed', 'grant_no');
  return {
    grant: { id, key: exported[0] as Bytes, granter, contact: partyOf(to), number, expires: sentTs + lifetime },
    identity,
  };
}
