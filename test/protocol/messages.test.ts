/** What the body of a call's message may not be, also from a peer whose own program lets it through. PROTOCOL.md section 10. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { deflateSdp } from '../../src/protocol/body.ts';
import type { Cbor } from '../../src/protocol/cbor.ts';
import { decodeMessage, encodeMessage, lifeOf, type MessageName } from '../../src/protocol/session-messages.ts';
import { lifeOf as lifeInRouting } from '../../src/routing/lives.ts';
import { code } from '../crypto/providers.ts';
import { AV, makePerson, peerOf } from './people.ts';

const bob = makePerson('bob@b.example');
const ek = peerOf(bob).prekey.spk;
const lowOrder = ek.slice().fill(0, 1184);
const line = 'candidate:1 1 udp 1 192.0.2.1 9 typ host';
const candidate = [line, '0', 0, ''];
const sdp = deflateSdp(AV.offer);
const bare = new Uint8Array(0);

const refused: readonly (readonly [why: string, name: MessageName, body: Cbor, code: Parameters<typeof code>[0]])[] = [
  ['ringing with something in it', 'ringing', [0], 'bad_encoding'],
  ['a heartbeat with something in it', 'heartbeat', [0], 'bad_encoding'],
  ['a reject without `all`', 'reject', ['declined'], 'bad_encoding'],
  ['a reject whose `all` is a number', 'reject', ['declined', 1], 'bad_encoding'],
  ['a reason outside its grammar', 'reject', ['Not a reason', true], 'bad_encoding'],
  ['an empty reason', 'hangup', [''], 'bad_encoding'],
  ['a reason of 41 characters', 'hangup', ['a'.repeat(41)], 'bad_encoding'],
  ['a mac of 31 bytes', 'select_answer', [new Uint8Array(31)], 'bad_encoding'],
  ['no candidates', 'candidates', [], 'bad_encoding'],
  ['33 candidates', 'candidates', Array.from({ length: 33 }, () => candidate), 'bad_encoding'],
  [
    'R11 a candidate that names a host to resolve',
    'candidates',
    [[line.replace('192.0.2.1', 'a.example'), '0', 0, '']],
    'bad_candidate',
  ],
  ['R11 a second line in a candidate', 'candidates', [[`${line}\r\na=ice-lite`, '0', 0, '']], 'bad_candidate'],
  ['a candidate with a fifth field', 'candidates', [[...candidate, 0]], 'bad_encoding'],
  ['a description that is neither', 'negotiate', ['rollback', sdp, bare], 'bad_encoding'],
  ['R11 an SDP outside its grammar', 'negotiate', ['offer', deflateSdp(`${AV.offer}a=${line}\r\n`), bare], 'bad_sdp'],
  ['an answer with a key', 'negotiate', ['answer', sdp, ek], 'bad_encoding'],
  ['a key of another length', 'negotiate', ['offer', sdp, ek.slice(1)], 'bad_encoding'],
  ['R8 a key of low order', 'negotiate', ['offer', sdp, lowOrder], 'bad_key'],
];

describe('Bodies of a call’s messages', () => {
  for (const [why, name, body, expected] of refused)
    it(`refuse ${why}`, () => {
      assert.throws(() => decodeMessage(name, body), code(expected));
    });

  it('are read at the ends of what is allowed', () => {
    decodeMessage('hangup', ['a'.repeat(40)]);
    decodeMessage(
      'candidates',
      Array.from({ length: 32 }, () => candidate),
    );
    assert.deepEqual(encodeMessage(decodeMessage('negotiate', ['offer', sdp, ek])), ['offer', sdp, ek]);
  });
});

describe('the life of a message', () => {
  it('is 30 s, but a hangup lives no less than the offer that it takes back', () => {
    for (const name of ['ringing', 'reject', 'select_answer', 'candidates', 'negotiate', 'heartbeat'] as const)
      assert.equal(lifeOf(name), LIMITS.messageLifeMs);
    assert.ok(lifeOf('hangup') >= LIMITS.offerLifeMs);
    // The bridges let it live as long as the devices do.
    assert.equal(lifeInRouting('app.volly.call.hangup'), lifeOf('hangup'));
  });
});
