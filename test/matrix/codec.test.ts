import assert from 'node:assert/strict';
import fc from 'fast-check';
import { systemRandom } from '../../src/clock.ts';
import { newEnvelopeId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeContent, encodeContent } from '../../src/matrix/codec.ts';
import { readEvents } from '../../src/matrix/inbound.ts';
import { readSync } from '../../src/matrix/sync.ts';
import { encodeEnvelope, parseEnvelope } from '../../src/protocol/envelope.ts';
import { IRIS, ORCHID } from './fake-world.ts';
import { HELLO, hello } from './receiver-contract.ts';

const ack = (count: number) => ({
  id: newEnvelopeId(systemRandom),
  type: 'app.volly.ack',
  from: IRIS,
  to: ORCHID,
  expires: 1,
  acks: Array.from({ length: count }, () => newEnvelopeId(systemRandom)),
});
const offer = (sealed: string) => ({
  id: newEnvelopeId(systemRandom),
  type: 'app.volly.call.offer',
  from: 'bob@iris.example/LAPTOP',
  to: 'alice@orchid.example/PHONE',
  expires: 1,
  header: 'AAAA',
  quantum_key: 'AAAA',
  sealed,
  signature: 'AAAA',
});

describe('event codec', () => {
  it('brings back what was encoded, the bytes unchanged', () => {
    const encoded = [hello(IRIS, ORCHID), hello(IRIS, ORCHID)].map((json) => encodeEnvelope(parseEnvelope(json)));
    const content = JSON.parse(encodeContent(encoded));
    const { envelopes, refused } = decodeContent(HELLO, content);
    assert.deepEqual(refused, []);
    assert.deepEqual(envelopes.map(encodeEnvelope), encoded);
  });

  it('ignores what homeservers put beside the envelopes', () => {
    const content = { envelopes: [hello(IRIS, ORCHID)], 'org.matrix.msgid': 'x' };
    assert.equal(decodeContent(HELLO, content).envelopes.length, 1);
  });

  it('refuses each bad envelope by itself, with its code', () => {
    const good = ack(3);
    const bad = [
      { value: { ...good, id: 'x' }, code: 'bad_address' },
      { value: { ...good, from: 'IRIS' }, code: 'bad_encoding' },
      { value: { ...good, acks: [] }, code: 'bad_encoding' },
      { value: { ...good, expires: '1' }, code: 'bad_encoding' },
      { value: { ...good, more: 1 }, code: 'bad_encoding' },
      { value: { ...good, type: 'app.volly.nothing' }, code: 'bad_encoding' },
      { value: hello(IRIS, ORCHID), code: 'wrong_type' },
      { value: null, code: 'bad_encoding' },
      { value: [good], code: 'bad_encoding' },
      { value: JSON.parse('{"__proto__":1,"constructor":1}'), code: 'bad_encoding' },
    ];
    const { envelopes, refused } = decodeContent('app.volly.ack', { envelopes: [good, ...bad.map(({ value }) => value), good] });
    assert.equal(envelopes.length, 2);
    assert.deepEqual(
      refused.map(({ code }) => code),
      bad.map(({ code }) => code),
    );
  });

  it('takes an envelope of exactly the limit and refuses one byte more', () => {
    const room = LIMITS.envelopeBytes - JSON.stringify(offer('')).length;
    const most = offer('A'.repeat(room - (room % 4)));
    assert.equal(decodeContent('app.volly.call.offer', { envelopes: [most] }).envelopes.length, 1);
    const more = offer('A'.repeat(room - (room % 4) + 4));
    assert.equal(JSON.stringify(more).length > LIMITS.envelopeBytes, true);
    assert.equal(decodeContent('app.volly.call.offer', { envelopes: [more] }).refused[0]?.code, 'too_large');
  });

  it('refuses content that is none, or holds too many', () => {
    for (const content of [undefined, null, 7, 'x', [], {}, { envelopes: {} }, { envelopes: [] }])
      assert.deepEqual(
        decodeContent(HELLO, content).refused.map(({ code }) => code),
        ['bad_encoding'],
      );
    const many = Array.from({ length: LIMITS.envelopesPerEvent + 1 }, () => hello(IRIS, ORCHID));
    assert.deepEqual(
      decodeContent(HELLO, { envelopes: many }).refused.map(({ code }) => code),
      ['too_large'],
    );
  });

  it('keeps at most 60,000 characters of what it refused, and says nothing of it in the reason', () => {
    const { refused } = decodeContent(HELLO, { envelopes: ['secret'.repeat(100_000)] });
    assert.equal(refused[0]?.content.length, LIMITS.envelopeBytes);
    assert.doesNotMatch(refused[0]?.reason ?? '', /secret/);
  });

  it('never throws, whatever JSON an event is', () => {
    const sender = fc.constantFrom<unknown>(
      '@_volly.bridge:iris.example',
      '@_volly.bridge:',
      '@_volly.bridge:a b',
      '@x:iris.example',
      7,
      null,
    );
    const type = fc.constantFrom<unknown>(HELLO, 'app.volly.ack', 'app.volly.x', 'm.room.message', '__proto__', 'toString', 7);
    const event = fc.record({ sender, type, content: fc.oneof(fc.jsonValue(), fc.record({ envelopes: fc.jsonValue() })) });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), event)), (events) => {
        const { arrivals, refused, strangers } = readEvents(events, ORCHID);
        assert.equal(arrivals.length, 0);
        assert.ok(refused.length + strangers >= events.length);
      }),
    );
  });

  it('takes no own name from the homeserver: own members do not call each other over Matrix', () => {
    const event = { sender: '@_volly.bridge:orchid.example', type: HELLO, content: { envelopes: [hello(ORCHID, ORCHID)] } };
    assert.deepEqual(readEvents([event], ORCHID), { arrivals: [], refused: [], strangers: 1, echoes: [] });
  });

  it('believes no answer of /sync without a position', () => {
    for (const raw of ['', '{', '[]', 'null', '{}', '{"next_batch":""}', '{"next_batch":7}'])
      assert.throws(() => readSync(raw), { code: 'homeserver_unreachable' });
    assert.deepEqual(readSync('{"next_batch":"s1","to_device":{"events":[1]}}').events, [1]);
  });
});
