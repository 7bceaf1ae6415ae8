/** Presence updates under a grant. PROTOCOL.md section 13. State in, new state out. */
import { type Bytes, equal, utf8 } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { AEAD_KEY_BYTES, type AeadKey, aeadKey, openAt, sealAt } from '../crypto/aead.ts';
import { hkdfSha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type CallId, callIdBytes, callIdFromBytes, newEnvelopeId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { decodeBody, encodeBody, PADDING } from './body.ts';
import { asArray, asBytes, asOneOf, asText, asUint, decodeCbor, encodeCbor } from './cbor.ts';
import type { EnvelopeOf } from './envelope.ts';
import { addressOf, checkTime } from './header.ts';
import type { Grant } from './presence.ts';
import { CALL_ID_BYTES, SUITE } from './suite.ts';

/** From the most to the least available: what is shown of a member is the first that any device has. */
export const PRESENCE = ['online', 'busy', 'away', 'offline'] as const;
/** How available a member's device is. */
export type PresenceState = (typeof PRESENCE)[number];

type Update = EnvelopeOf<'app.volly.presence'>;
const TYPE = 'app.volly.presence';
const SALT_BYTES = 16;
const TAG = 16;

/** One app start of the granter under one grant. A restored store must not repeat a nonce, so each start has a salt of its own. */
export interface PresenceSender {
  readonly grant: Grant;
  readonly salt: Bytes;
  /** Unix time in milliseconds of the app start. */
  readonly started: number;
  readonly seq: number;
}

/** What a contact's device has seen under a grant. Without `newest` nothing came yet. */
export interface PresenceReceiver {
  readonly grant: Grant;
  readonly newest?: { readonly started: number; readonly salt: Bytes; readonly seq: number };
}

/** The salt is drawn here: a sender is never loaded from a store. */
export const startPresence = (random: RandomBytes, grant: Grant, started: number): PresenceSender => ({
  ...{ grant, salt: random(SALT_BYTES), started, seq: 0 },
});

function sessionKey(grantKey: Uint8Array, salt: Uint8Array): AeadKey {
  const block = hkdfSha256({ ikm: grantKey, salt, info: utf8('volly/1/presence/session'), length: AEAD_KEY_BYTES });
  const key = aeadKey(block);
  block.fill(0);
  return key;
}

const used = new WeakSet<PresenceSender>();

/** `lifetime` in milliseconds, at most 300,000. A sender seals once and is followed by the one returned: TypeError otherwise. */
export function sealUpdate(
  provider: Provider,
  random: RandomBytes,
  sender: PresenceSender,
  options: { readonly state: PresenceState; readonly now: number; readonly lifetime: number },
): { readonly envelope: Update; readonly sender: PresenceSender } {
  const { grant, salt, started, seq } = sender;
  const { state, now, lifetime } = options;
  if (used.has(sender)) throw new TypeError('this presence sender was used already: go on with the one that came of it');
  used.add(sender);
  const header = encodeCbor([SUITE, TYPE, callIdBytes(grant.id), salt, started, seq, now, lifetime]);
  const sealed = sealAt(provider, sessionKey(grant.key, salt), seq, header, encodeBody([state], PADDING.update));
  const [from, to] = [addressOf(grant.granter), addressOf(grant.contact)];
  const envelope: Update = { id: newEnvelopeId(random), type: TYPE, from, to, expires: now + lifetime, header, sealed };
  return { envelope, sender: { ...sender, seq: seq + 1 } };
}

interface UpdateHeader {
  readonly grant: CallId;
  readonly salt: Bytes;
  readonly started: number;
  readonly seq: number;
  readonly sentTs: number;
  readonly lifetime: number;
}

/** Which grant an update is under, and its numbers. Throws `too_large`, `bad_encoding`, `unknown_suite`, `wrong_type`. */
export function readUpdate({ header, sealed }: Update): UpdateHeader {
  if (header.length > LIMITS.headerBytes || sealed.length > LIMITS.bodyBytes + TAG) throw new VollyError('too_large', 'update');
  const fields = asArray(decodeCbor(header), 'update', 8);
  if (asText(fields[0], 'suite') !== SUITE) throw new VollyError('unknown_suite', 'update');
  if (asText(fields[1], 'type') !== TYPE) throw new VollyError('wrong_type', 'update');
  return {
    grant: callIdFromBytes(asBytes(fields[2], 'grant_id', CALL_ID_BYTES)),
    salt: asBytes(fields[3], 'salt', SALT_BYTES),
    started: asUint(fields[4], 'started'),
    seq: asUint(fields[5], 'seq'),
    sentTs: asUint(fields[6], 'sent_ts'),
    lifetime: asUint(fields[7], 'lifetime'),
  };
}

/**
 * `expires` is when the member is offline again without another one. Throws what `readUpdate` does, `unknown_call`, `wrong_sender`,
 * `wrong_recipient`, `clock_skew`, `expired`, `replayed`, `open_failed`, `bad_padding`.
 */
export function openUpdate(
  provider: Provider,
  envelope: Update,
  receiver: PresenceReceiver,
  now: number,
): { readonly state: PresenceState; readonly expires: number; readonly receiver: PresenceReceiver } {
  const { grant, newest } = receiver;
  const { grant: id, salt, started, seq, sentTs, lifetime } = readUpdate(envelope);
  if (id !== grant.id) throw new VollyError('unknown_call', 'grant');
  if (envelope.from !== addressOf(grant.granter)) throw new VollyError('wrong_sender', 'not the granter');
  if (envelope.to !== addressOf(grant.contact)) throw new VollyError('wrong_recipient', 'not the contact');
  if (now > grant.expires) throw new VollyError('expired', 'grant');
  checkTime({ sentTs, lifetime }, now, LIMITS.presenceLifeMs);
  const again = newest && started === newest.started;
  const old = newest && (started < newest.started || (again && (!equal(salt, newest.salt) || seq <= newest.seq)));
  if (old) throw new VollyError('replayed', 'update');
  const body = decodeBody(openAt(provider, sessionKey(grant.key, salt), seq, envelope.header, envelope.sealed));
  const state = asOneOf(asArray(body, 'update', 1)[0], 'state', PRESENCE);
  return { state, expires: sentTs + lifetime, receiver: { grant, newest: { started, salt, seq } } };
}
