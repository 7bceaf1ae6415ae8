/** The wire form of PROTOCOL.md section 4: what an envelope may not be. */
import assert from 'node:assert/strict';
import { toBase64url } from '../../src/bytes.ts';
import { decodeEnvelope, encodeEnvelope, parseEnvelope } from '../../src/protocol/envelope.ts';
import { code } from '../crypto/providers.ts';

const id = 'AAAAAAAAAAAAAAAAAAAAAA';
const expires = 1_790_000_000_000;
const devices = { from: 'alice@a.example/PHONE', to: 'bob@b.example/PHONE' };
const hangup = { id, type: 'app.volly.call.hangup', ...devices, expires, header: 'AA', sealed: 'AA' };
const ack = { id, type: 'app.volly.ack', from: 'a.example', to: 'b.example', expires, acks: [id] };
const end = { ...ack, acks: undefined, type: 'app.volly.undeliverable', to: devices.to, envelope: id, reason: 'expired' };
const none = { request: id, index: 0, count: 0 };
const bundle = { id, type: 'app.volly.keys.bundle', from: 'bob@b.example', to: devices.from, expires, ...none };
const plain = (value: object): object => JSON.parse(JSON.stringify(value));

const REFUSED: readonly (readonly [why: string, json: object, code: Parameters<typeof code>[0]])[] = [
  ['a member that its type does not have', { ...hangup, identity: 'AA' }, 'bad_encoding'],
  ['a missing member', { ...hangup, sealed: undefined }, 'bad_encoding'],
  ['an unknown type', { ...hangup, type: 'app.volly.call.hold' }, 'bad_encoding'],
  ['a type that every object has', { ...hangup, type: 'constructor' }, 'bad_encoding'],
  ['a field of no bytes', { ...hangup, sealed: '' }, 'bad_encoding'],
  ['padding in base64url', { ...hangup, sealed: 'AA==' }, 'bad_encoding'],
  ['the other alphabet', { ...hangup, sealed: 'AA+/' }, 'bad_encoding'],
  ['stray bits in base64url', { ...hangup, sealed: 'AB' }, 'bad_encoding'],
  ['an id of 15 bytes', { ...hangup, id: 'AAAAAAAAAAAAAAAAAAAA' }, 'bad_address'],
  ['a time that is text', { ...hangup, expires: String(expires) }, 'bad_encoding'],
  ['a time with a fraction', { ...hangup, expires: 0.5 }, 'bad_encoding'],
  ['a time before all times', { ...hangup, expires: -1 }, 'bad_encoding'],
  ['a member where a device sends', { ...hangup, from: 'alice@a.example' }, 'bad_address'],
  ['a device where a member answers', { ...bundle, from: devices.to }, 'bad_address'],
  ['a device where a server speaks', { ...ack, from: devices.from }, 'bad_encoding'],
  ['upper case in a server name', { ...hangup, to: 'bob@B.example/PHONE' }, 'bad_address'],
  ['lower case in a device', { ...hangup, to: 'bob@b.example/phone' }, 'bad_address'],
  ['no acks', { ...ack, acks: [] }, 'bad_encoding'],
  ['513 acks', { ...ack, acks: Array.from({ length: 513 }, () => id) }, 'bad_encoding'],
  ['17 bundles', { ...bundle, count: 17, bundle: 'AA' }, 'bad_encoding'],
  ['a reason outside its grammar', { ...end, reason: 'Not a code' }, 'bad_encoding'],
  ['a reason of 41 characters', { ...end, reason: 'a'.repeat(41) }, 'bad_encoding'],
  ['an array', [hangup], 'bad_encoding'],
];

describe('Envelopes of section 4', () => {
  it('are read at the ends of what is allowed', () => {
    for (const good of [hangup, { ...ack, acks: Array.from({ length: 512 }, () => id) }, bundle, { ...bundle, count: 16 }])
      assert.deepEqual(plain(JSON.parse(encodeEnvelope(parseEnvelope(plain(good))))), plain(good));
    parseEnvelope(plain({ ...end, reason: 'a'.repeat(40) }));
  });

  for (const [why, json, expected] of REFUSED)
    it(`are refused with ${why}`, () => {
      assert.throws(() => decodeEnvelope(JSON.stringify(json)), code(expected));
    });

  it('are at most 60,000 bytes, written and read', () => {
    const most = { ...hangup, sealed: toBase64url(new Uint8Array(44_000)) };
    const rest = 60_000 - JSON.stringify(most).length;
    const text = JSON.stringify(most);
    decodeEnvelope(text + ' '.repeat(rest));
    assert.throws(() => decodeEnvelope(text + ' '.repeat(rest + 1)), code('too_large'));
    const envelope = parseEnvelope({ ...hangup, sealed: toBase64url(new Uint8Array(45_000)) });
    assert.throws(() => encodeEnvelope(envelope), code('too_large'));
  });
});
