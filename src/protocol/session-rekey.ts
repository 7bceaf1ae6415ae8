/** Re-keying in mid-call: the reply to a negotiate offer that brought a key begins the next epoch. PROTOCOL.md section 10. */
import { type Bytes, concat, utf8 } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import { openPsk, sealPsk } from '../crypto/hpke.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import type { EnvelopeOf } from './envelope.ts';
import type { HeaderBytes } from './header.ts';
import {
  consume,
  dropOldKeys,
  keysOf,
  mayAnswer,
  nextHeader,
  nextSeq,
  restore,
  type Sent,
  type Session,
  type Waiting,
  withoutOffered,
  wrap,
} from './session.ts';
import { epochExports, epochKeys, eraseAead } from './session-keys.ts';
import { decodeMessage, encodeMessage, paddingOf, type RekeyRequest } from './session-messages.ts';

type Negotiate = EnvelopeOf<'app.volly.call.negotiate'>;

const infoOf = (header: Uint8Array): Bytes => concat(utf8('volly/1/negotiate'), sha256(header));

/**
 * Answers a negotiate offer that asked for a re-keying; from here on this side sends in the next epoch. Our own offer, if one was
 * out, is rolled back. `eseed`: 64 bytes, for reproducible vectors with the noble provider only. Throws `forbidden_in_state`,
 * `bad_sdp`, `too_large`; the session is as it was then.
 */
export async function sealRekey(
  provider: Provider,
  random: RandomBytes,
  before: Session,
  options: { readonly sdp: string; readonly rekey: RekeyRequest; readonly now: number; readonly eseed?: Uint8Array },
): Promise<Sent> {
  const { sdp, rekey, now, eseed } = options;
  const session = dropOldKeys(before, now);
  mayAnswer(session);
  const old = keysOf(session, rekey.epoch);
  if (!old?.next || rekey.epoch !== session.sendEpoch) throw new VollyError('forbidden_in_state', 'the epoch changed meanwhile');
  const epoch = rekey.epoch + 1;
  const body = encodeBody(encodeMessage({ type: 'negotiate', description: 'answer', sdp }), paddingOf('negotiate'));
  const header = nextHeader(session, 'app.volly.call.negotiate', epoch, now);
  consume(before);
  const { enc, ciphertext, exported } = await sealPsk(provider, {
    ...{ publicKey: rekey.ek, psk: old.next, pskId: rekey.pskId, info: infoOf(header.bytes), aad: header.bytes },
    ...{ plaintext: body, exports: epochExports(epoch) },
    ...(eseed && { eseed }),
  }).catch((error) => {
    restore(before);
    throw error;
  });
  // What is left of the old epoch is for receiving, until the peer's first message of the new one.
  eraseAead(old.send);
  old.next.fill(0);
  const keys = [...session.keys, epochKeys(session.role, epoch, exported)];
  const envelope: Negotiate = { ...wrap(random, header), type: 'app.volly.call.negotiate', quantum_key: enc, sealed: ciphertext };
  const next = { ...withoutOffered(session), keys, sendEpoch: epoch, sendSeq: nextSeq(session, epoch) };
  return { envelope, session: next };
}

/** Opens such a reply. The keys it brings count from the moment it is applied. Throws `forbidden_in_state`, `open_failed` … */
export async function openRekey(
  provider: Provider,
  session: Session,
  envelope: Negotiate & { readonly quantum_key: Bytes },
  { header, bytes }: HeaderBytes,
): Promise<Waiting> {
  const asked = session.offered?.rekey;
  const old = asked && keysOf(session, asked.epoch);
  if (!asked || !old?.next || header.epoch !== asked.epoch + 1)
    throw new VollyError('forbidden_in_state', 'no re-keying was asked for');
  const { plaintext, exported } = await openPsk(provider, {
    ...{ seed: asked.seed, psk: old.next, pskId: asked.pskId, info: infoOf(bytes), aad: bytes },
    ...{ enc: envelope.quantum_key, ciphertext: envelope.sealed, exports: epochExports(header.epoch) },
  });
  const body = decodeMessage('negotiate', decodeBody(plaintext));
  if (body.type !== 'negotiate' || body.description !== 'answer') throw new VollyError('wrong_type', 'a reply that is no answer');
  return { epoch: header.epoch, body, keys: epochKeys(session.role, header.epoch, exported) };
}
