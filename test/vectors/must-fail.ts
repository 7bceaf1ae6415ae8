/**
 * What must be refused, with the code it is refused with and why. `as` says which decoder or receiver gets the input, Bob's where one is
 * meant: a bundle as the answer to a query for Bob, an offer at Bob's device, an answer or message (the select) in the call of these vectors.
 */
import { type Bytes, concat, fromBase64url, toBase64url, u32, utf8 } from '../../src/bytes.ts';
import { compositeSign } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { encodeBundle } from '../../src/protocol/bundle.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { type DeviceEntry, type DeviceList, decodeList, encodeList, type Signed } from '../../src/protocol/list.ts';
import { decodePrekey, encodePrekey, type Prekey } from '../../src/protocol/prekey.ts';
import { CONTEXT } from '../../src/protocol/suite.ts';
import { type callVectors, SDP } from './call.ts';
import { NOW, provider } from './fixed.ts';
import { alice, bob, carol, DAY } from './people.ts';

export interface MustFail {
  readonly as: 'cbor' | 'body' | 'sdp' | 'candidate' | 'bundle' | 'offer' | 'answer' | 'message';
  readonly why: string;
  readonly code: ErrorCode;
  /** Bytes in hexadecimal, text, or how an envelope's JSON differs from that of the good one: null = left out. */
  readonly input: Uint8Array | string | object;
  /** The receiver's time where it is not the vectors'. */
  readonly now?: number;
  /** H(UIK) that the receiver has pinned. */
  readonly pin?: Uint8Array;
}

type Json = Record<string, string>;
const bytes = (hex: string): Bytes => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const flip = (envelope: Json, field: string, at = 0): Json => {
  const changed = fromBase64url(envelope[field] as string) as Bytes;
  changed[at] = (changed[at] as number) ^ 1;
  return { ...envelope, [field]: toBase64url(changed) };
};
const edit = (envelope: Json, at: number, value: Cbor): Json => {
  const fields = decodeCbor(fromBase64url(envelope['header'] as string) as Bytes) as Cbor[];
  return { ...envelope, header: toBase64url(encodeCbor(fields.with(at, value))) };
};
const party = (envelope: Json, which: 4 | 5, at: number, value: Cbor): Json => {
  const fields = decodeCbor(fromBase64url(envelope['header'] as string) as Bytes) as Cbor[][];
  return edit(envelope, which, (fields[which] as Cbor[]).with(at, value));
};
const target = (envelope: Json): Cbor[] =>
  (decodeCbor(fromBase64url(envelope['header'] as string) as Bytes) as Cbor[])[5] as Cbor[];

function list(change: Partial<DeviceList>, seed = bob.rootSeed): Signed {
  const encoded = encodeList({ ...decodeList(bob.list.bytes), ...change });
  return { bytes: encoded, signature: compositeSign(provider, seed, encoded, CONTEXT.devlist) };
}
function prekey(change: Partial<Prekey>): Signed {
  const encoded = encodePrekey({ ...decodePrekey(bob.statement.bytes), ...change });
  return { bytes: encoded, signature: compositeSign(provider, bob.local.dikSeed, encoded, CONTEXT.prekey) };
}
const entry = decodeList(bob.list.bytes).entries[0] as DeviceEntry;
const mallorys = [{ device: bob.local.device, dikHash: alice.local.dikHash, notAfter: NOW + DAY }];
const lowOrder = (key: Uint8Array, at: number): Bytes => Uint8Array.from(key).fill(0, at);

const encodings: MustFail[] = (
  [
    ['a0', 'a map'],
    ['20', 'a negative integer'],
    ['f97e00', 'a float'],
    ['c100', 'a tag'],
    ['f6', 'null'],
    ['9f00ff', 'an array of indefinite length'],
    ['1817', 'an integer not in its shortest form'],
    ['580100', 'a length not in its shortest form'],
    ['0000', 'a byte after the item'],
    ['8100ff', 'a byte after the item that is a break'],
    ['61ff', 'text that is not UTF-8'],
    ['63eda080', 'a surrogate'],
    ['1b0020000000000000', '2^53'],
    ['818181818100', 'a fifth level'],
    ['9affffffff', 'an array with more items than bytes'],
  ] as const
).map(([hex, why]) => ({ as: 'cbor', why, code: 'bad_encoding', input: bytes(hex) }));

const bodies: MustFail[] = [
  { as: 'body', why: 'a length past the end', code: 'bad_padding', input: concat(u32(61), new Uint8Array(60)) },
  { as: 'body', why: 'padding that is not zeros', code: 'bad_padding', input: concat(u32(1), bytes('80'), bytes('01'), new Uint8Array(58)) },
  { as: 'body', why: 'zeros counted in', code: 'bad_encoding', input: concat(u32(2), bytes('80'), new Uint8Array(59)) },
];

const candidate = 'candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host';
const texts: MustFail[] = [
  { as: 'candidate', why: 'a second line', code: 'bad_candidate', input: `${candidate}\r\na=ice-lite` },
  { as: 'candidate', why: 'a name to resolve', code: 'bad_candidate', input: candidate.replace('192.0.2.1', 'tracker.example') },
  { as: 'candidate', why: 'no type', code: 'bad_candidate', input: candidate.replace(' typ host', '') },
  { as: 'candidate', why: 'a ninth extension', code: 'bad_candidate', input: `${candidate}${' generation 0'.repeat(9)}` },
  { as: 'sdp', why: 'a bandwidth of another type', code: 'bad_sdp', input: SDP.offer.replace('c=IN IP4 0.0.0.0', 'c=IN IP4 0.0.0.0\r\nb=X-YZ:128') },
  { as: 'sdp', why: 'a candidate', code: 'bad_sdp', input: `${SDP.offer}a=${candidate}\r\n` },
  { as: 'sdp', why: 'a lone line feed', code: 'bad_sdp', input: SDP.offer.replace('a=mid:0', `a=mid:0\na=${candidate}`) },
  { as: 'sdp', why: 'an address', code: 'bad_sdp', input: SDP.offer.replace('c=IN IP4 0.0.0.0', 'c=IN IP4 192.0.2.1') },
  { as: 'sdp', why: 'a second fingerprint', code: 'bad_sdp', input: SDP.offer.replace(/(a=fingerprint:sha-256 )(..)/, '$100') },
  { as: 'sdp', why: 'SDES', code: 'bad_sdp', input: `${SDP.offer}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n` },
];

const bundles: MustFail[] = [
  { as: 'bundle', why: 'R9: of another member', code: 'wrong_sender', input: alice.bundle },
  { as: 'bundle', why: 'another UIK than the pinned one', code: 'identity_changed', input: bob.bundle, pin: sha256(alice.root) },
  { as: 'bundle', why: 'a legacy member that the app did not allow', code: 'wrong_sender', input: carol.bundle },
  {
    ...{ as: 'bundle', why: 'R7: a list that the UIK did not sign', code: 'bad_signature' },
    input: encodeBundle(list({ entries: mallorys }, alice.rootSeed), alice.dik, bob.statement),
  },
  { as: 'bundle', why: 'R7: a DIK that is not in the list', code: 'not_in_list', input: encodeBundle(bob.list, alice.dik, bob.statement) },
  {
    ...{ as: 'bundle', why: 'a device past its own end in the list', code: 'expired' },
    input: encodeBundle(list({ entries: [{ ...entry, notAfter: NOW - 1 }] }), bob.dik, bob.statement),
  },
  {
    ...{ as: 'bundle', why: 'a list from more than a day ahead', code: 'clock_skew' },
    input: encodeBundle(list({ issuedAt: NOW + DAY + 1, expires: NOW + 2 * DAY }), bob.dik, bob.statement),
  },
  { as: 'bundle', why: 'an expired list', code: 'expired', input: bob.bundle, now: NOW + 30 * DAY + 1 },
  {
    ...{ as: 'bundle', why: 'a list that lives longer than 30 days', code: 'bad_encoding' },
    input: encodeBundle(list({ expires: NOW + 31 * DAY }), bob.dik, bob.statement),
  },
  {
    ...{ as: 'bundle', why: 'R12: a prekey without the suite', code: 'unknown_suite' },
    input: encodeBundle(bob.list, bob.dik, prekey({ suites: ['volly-x25519-0'] })),
  },
  {
    ...{ as: 'bundle', why: 'an expired prekey', code: 'expired' },
    input: encodeBundle(bob.list, bob.dik, prekey({ notAfter: NOW - 1 })),
  },
  {
    ...{ as: 'bundle', why: 'a prekey that lives longer than 15 days', code: 'clock_skew' },
    input: encodeBundle(bob.list, bob.dik, prekey({ notAfter: NOW + 15 * DAY + 1 })),
  },
  {
    ...{ as: 'bundle', why: 'a prekey under another identity', code: 'wrong_sender' },
    input: encodeBundle(bob.list, bob.dik, prekey({ uikHash: sha256(alice.root) })),
  },
  {
    ...{ as: 'bundle', why: 'a prekey that another device signed', code: 'bad_signature' },
    input: encodeBundle(bob.list, bob.dik, { ...bob.statement, signature: alice.statement.signature }),
  },
  {
    ...{ as: 'bundle', why: 'R8: a prekey whose X25519 part is of low order', code: 'bad_key' },
    input: encodeBundle(bob.list, bob.dik, prekey({ spk: lowOrder(decodePrekey(bob.statement.bytes).spk, 1184) })),
  },
  {
    ...{ as: 'bundle', why: 'R8: a prekey whose ML-KEM part has a coefficient not below q', code: 'bad_key' },
    input: encodeBundle(bob.list, bob.dik, prekey({ spk: concat(bytes('ffffff'), decodePrekey(bob.statement.bytes).spk.subarray(3)) })),
  },
  { as: 'bundle', why: 'R8: a DIK of small order', code: 'bad_key', input: encodeBundle(bob.list, lowOrder(bob.dik, 1952), bob.statement) },
];

export function mustFail(call: Awaited<ReturnType<typeof callVectors>>): readonly MustFail[] {
  const offer = call.offer.envelope as Json;
  const answer = call.answer.envelope as Json;
  const select = (call.messages[1] as { envelope: Json }).envelope;
  const good = { offer, answer, message: select };
  const as = (what: keyof typeof good) => (why: string, code: ErrorCode, bad: Json, more: Partial<MustFail> = {}): MustFail => {
    const fields = Object.keys(good[what]).filter((field) => good[what][field] !== bad[field]);
    const input = Object.fromEntries(fields.map((field) => [field, bad[field] ?? null]));
    return { as: what, why, code, input, ...more };
  };
  const [atOffer, atAnswer, atMessage] = [as('offer'), as('answer'), as('message')];
  const sign = (envelope: Json, context: string): Json => {
    const signed = concat(...['header', 'quantum_key', 'sealed'].map((field) => fromBase64url(envelope[field] as string) as Bytes));
    return { ...envelope, signature: toBase64url(compositeSign(provider, alice.local.dikSeed, signed, context)) };
  };
  return [
    ...encodings,
    ...bodies,
    ...texts,
    ...bundles,
    atOffer('another suite', 'unknown_suite', edit(offer, 0, 'volly-pq-0')),
    atOffer('R4: another type in the header', 'wrong_type', edit(offer, 1, 'app.volly.call.answer')),
    atOffer('R4: the other direction', 'wrong_type', edit(offer, 2, 1)),
    atOffer('epoch 1', 'bad_encoding', edit(offer, 6, 1)),
    atOffer('seq 1', 'bad_encoding', edit(offer, 7, 1)),
    atOffer('R13: to a device, not to a prekey of it', 'bad_encoding', edit(offer, 5, target(offer).slice(0, 5))),
    atOffer('a longer life than an offer may have', 'bad_encoding', edit(offer, 9, 60_001)),
    atOffer('R13: for another device', 'wrong_recipient', { ...offer, to: 'bob@fern.example:8448/PHONE' }),
    atOffer('R13: for another prekey', 'wrong_recipient', party(offer, 5, 5, new Uint8Array(32))),
    atOffer('a newer list than the receiver has', 'wrong_recipient', party(offer, 5, 3, NOW + 1)),
    atOffer('too old', 'expired', offer, { now: NOW + 60_001 }),
    atOffer('from the future', 'clock_skew', offer, { now: NOW - 30_001 }),
    atOffer('another UIK than the pinned one', 'identity_changed', offer, { pin: sha256(bob.root) }),
    atOffer('R6: another DIK than the identity has', 'wrong_sender', party(offer, 4, 4, new Uint8Array(32))),
    atOffer('an identity of another list version', 'stale_list', party(offer, 4, 3, NOW - 1)),
    atOffer('no identity from a stranger', 'not_in_list', (({ identity: _, ...rest }) => rest)(offer)),
    atOffer('R13: another call_id', 'bad_signature', edit(offer, 3, new Uint8Array(16))),
    atOffer('changed ciphertext', 'bad_signature', flip(offer, 'sealed')),
    atOffer('changed enc', 'bad_signature', flip(offer, 'quantum_key')),
    atOffer('changed signature, ML-DSA part', 'bad_signature', flip(offer, 'signature', 100)),
    atOffer('changed signature, Ed25519 part', 'bad_signature', flip(offer, 'signature', 3_320)),
    atOffer('R4: a signature of another context', 'bad_signature', sign(offer, CONTEXT.answer)),
    atOffer('R13: another header, signed anew by the sender', 'open_failed', sign(edit(offer, 3, new Uint8Array(16)), CONTEXT.offer)),
    atOffer('changed ciphertext, signed anew by the sender', 'open_failed', sign(flip(offer, 'sealed'), CONTEXT.offer)),
    atAnswer('R13: of another call', 'unknown_call', edit(answer, 3, new Uint8Array(16))),
    atAnswer('of another device', 'wrong_sender', party(answer, 4, 4, new Uint8Array(32))),
    atAnswer('of another call and the other direction', 'unknown_call', edit(edit(answer, 3, new Uint8Array(16)), 2, 0)),
    atAnswer('with a number', 'bad_encoding', edit(answer, 7, 1)),
    atAnswer('the other direction', 'wrong_type', edit(answer, 2, 0)),
    atAnswer('changed ciphertext', 'bad_signature', flip(answer, 'sealed')),
    atAnswer('too old', 'expired', answer, { now: NOW + 30_001 }),
    atMessage('R4: another type', 'wrong_type', { ...select, type: 'app.volly.call.heartbeat' }),
    atMessage('R4: select with another number', 'forbidden_in_state', edit(select, 7, 1)),
    atMessage('select in epoch 0', 'forbidden_in_state', edit(select, 6, 0)),
    atMessage('R13: of another call', 'unknown_call', edit(select, 3, new Uint8Array(16))),
    atMessage('changed ciphertext', 'open_failed', flip(select, 'sealed')),
    atMessage('another time', 'open_failed', edit(select, 8, NOW + 1)),
    atMessage('too old', 'expired', select, { now: NOW + 30_001 }),
    { as: 'cbor', why: 'nothing', code: 'bad_encoding', input: utf8('') },
  ];
}
