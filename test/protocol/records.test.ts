/** Records and frames, PROTOCOL.md section 14.5. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { selectProvider } from '../../src/crypto/select.ts';
import { envelopeIdFromBytes } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';
import { decodeFrames, encodeFrames, type Frame, packFrames } from '../../src/protocol/frames.ts';
import { RecordReceiver, RecordSender } from '../../src/protocol/records.ts';
import { Settler, Unsettled } from '../../src/protocol/window.ts';

const provider = selectProvider();
const block = Uint8Array.from({ length: 44 }, (_, at) => at);
const ping: Frame = { kind: 'ping', id: 1 };

const n = fc.nat();
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
const code = fc.constantFrom('busy', 'bad_encoding', 'x');
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('envelope' as const), n, envelope: bytes }),
  fc.record({ kind: fc.constant('publish' as const), n, bundle: bytes }),
  fc.record({ kind: fc.constant('ack' as const), n }),
  fc.record({ kind: fc.constant('refused' as const), n, code }),
  fc.record({ kind: fc.constantFrom('ping' as const, 'pong' as const), id: n }),
  fc.record({ kind: fc.constant('bye' as const), code }),
  fc.record({ kind: fc.constant('caught_up' as const) }),
  fc.record({ kind: fc.constant('list' as const), list: bytes, signature: bytes }),
  fc.record({
    kind: fc.constant('delivered' as const),
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(envelopeIdFromBytes),
  }),
);

describe('gateway frames', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), (frames) => {
        assert.deepEqual(
          decodeFrames(encodeFrames(frames)),
          frames.map((one) => ({ ...one })),
        );
      }),
      { seed: 1 },
    );
  });

  it('are refused when anything is wrong with them', () => {
    const wrong = [
      [], [[]], [1], [[99]], [[1]], [[1, 2, 3]], [['1', 2]], [[0, 1, '']], [[0, 1, new Uint8Array(0)]], [[2, 1, 'No']],
      [[2, 1, 'x'.repeat(41)]], [[6], [8]], [[8, 0]], [[4, true]], [[10, new Uint8Array(15)]], [[10, 1]], [[0, 1, new Uint8Array(60_001)]],
      Array.from({ length: 257 }, () => [8]),
    ]; // biome-ignore format: a table
    for (const value of wrong) assert.throws(() => decodeFrames(encodeCbor(value as never)), { code: 'bad_encoding' });
    for (const raw of ['', '81', '8101ff', 'a0', '9f8108ff', '8181f6'])
      assert.throws(() => decodeFrames(Buffer.from(raw, 'hex')), { code: 'bad_encoding' });
  });

  it('never make anything but bad_encoding of random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        try {
          decodeFrames(random);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'bad_encoding');
        }
      }),
      { seed: 2, numRuns: 2_000 },
    );
  });

  it('fill records of at most 65,536 bytes and 255 frames, in order', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.nat(600), (lengths, pings) => {
        const frames: Frame[] = [
          ...lengths.map((length, at) => ({ kind: 'envelope' as const, n: at, envelope: new Uint8Array(length) })),
          ...Array.from({ length: pings }, (_, id) => ({ kind: 'ping' as const, id })),
        ];
        const records = packFrames(frames);
        assert.deepEqual(records.flat(), frames);
        for (const record of records) {
          assert.ok(record.length <= 255);
          assert.ok(encodeFrames([...record, { kind: 'key_update' }]).length + 16 <= LIMITS.frameBytes);
        }
      }),
      { seed: 3 },
    );
  });
});

describe('gateway records', () => {
  it('open once, in order, under the right key', () => {
    const sender = new RecordSender(provider, block, 0);
    const [first, second] = [sender.sealFrames([ping], 0), sender.sealFrames([ping], 0)];
    assert.throws(() => new RecordReceiver(provider, block).openFrames(second as never), { code: 'open_failed' });
    const receiver = new RecordReceiver(provider, block);
    assert.deepEqual(receiver.openFrames(first as never), [ping]);
    assert.throws(() => receiver.openFrames(first as never), { code: 'open_failed' });
    const other = new RecordReceiver(provider, block.toReversed());
    assert.throws(() => other.openFrames(first as never), { code: 'open_failed' });
    assert.throws(() => new RecordReceiver(provider, block).openFrames(new Uint8Array(3)), { code: 'open_failed' });
  });

  it('go on under a new key after an hour', () => {
    const sender = new RecordSender(provider, block, 0);
    const receiver = new RecordReceiver(provider, block);
    for (const now of [
      0,
      LIMITS.keyLifeMs - 1,
      LIMITS.keyLifeMs,
      LIMITS.keyLifeMs,
      2 * LIMITS.keyLifeMs,
      2 * LIMITS.keyLifeMs + 1,
    ])
      assert.deepEqual(receiver.openFrames(sender.sealFrames([ping], now)), [ping]);
    // The old key opens nothing that came after.
    const late = new RecordReceiver(provider, block);
    assert.throws(() => late.openFrames(sender.sealFrames([ping], 3 * LIMITS.keyLifeMs)), { code: 'open_failed' });
  });

  it('go on under a new key after 2^20 records, and refuse one more without', () => {
    const limits = LIMITS as { recordsPerKey: number };
    const real = limits.recordsPerKey;
    assert.equal(real, 2 ** 20);
    try {
      limits.recordsPerKey = 8;
      const sender = new RecordSender(provider, block, 0);
      const receiver = new RecordReceiver(provider, block);
      const update = new RecordReceiver(provider, block);
      const records = Array.from({ length: 20 }, () => sender.sealFrames([ping], 0));
      for (const record of records) assert.deepEqual(receiver.openFrames(record), [ping]);
      for (const record of records.slice(0, 7)) update.open(record);
      assert.equal(decodeFrames(update.open(records[7] as never)).at(-1)?.kind, 'key_update');
      const stubborn = new RecordSender(provider, block, 0);
      const strict = new RecordReceiver(provider, block);
      for (let at = 0; at < 8; at++) strict.open(stubborn.seal(encodeFrames([ping])));
      assert.throws(() => stubborn.seal(encodeFrames([ping])), { code: 'open_failed' });
      assert.throws(() => strict.open(new Uint8Array(20)), { code: 'open_failed' });
    } finally {
      limits.recordsPerKey = real;
    }
  });
});

describe('gateway windows', () => {
  it('settle every number once and in order, whatever the work does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 256 }), (keys) => {
        const sent = new Unsettled<number>();
        const settler = new Settler();
        for (const at of keys.keys()) settler.receive(sent.add(at));
        const order = [...keys.keys()].sort((a, b) => (keys[a] as number) - (keys[b] as number));
        const settled: number[] = [];
        for (const at of order)
          for (const one of settler.end(at + 1, (keys[at] as number) % 3 === 0 ? 'overloaded' : undefined)) {
            if (one.kind === 'ack') settled.push(...sent.ack(one.n));
            else if (one.kind === 'refused') settled.push(sent.refuse(one.n));
            else assert.fail('nothing was taken');
          }
        assert.deepEqual(settled, [...keys.keys()]);
        assert.equal(settler.open, 0);
      }),
      { seed: 4 },
    );
  });

  it('say that a refused frame was taken after all behind its refusal, whenever it is', () => {
    const settler = new Settler();
    for (const n of [1, 2, 3]) settler.receive(n);
    assert.deepEqual(settler.end(2, 'overloaded'), []);
    assert.deepEqual(settler.taken(2), []);
    const [ack, refused, taken] = [
      { kind: 'ack', n: 1 },
      { kind: 'refused', n: 2, code: 'overloaded' },
      { kind: 'taken', n: 2 },
    ];
    assert.deepEqual(settler.end(1), [ack, refused, taken]);
    assert.deepEqual(settler.end(3, 'overloaded'), [{ kind: 'refused', n: 3, code: 'overloaded' }]);
    assert.deepEqual(settler.taken(3), [{ kind: 'taken', n: 3 }]);
  });

  it('refuse what was not sent, gaps, and a window that is ignored', () => {
    const sent = new Unsettled<string>();
    sent.add('a');
    assert.throws(() => sent.ack(0), { code: 'bad_encoding' });
    assert.throws(() => sent.ack(2), { code: 'bad_encoding' });
    assert.throws(() => sent.refuse(2), { code: 'bad_encoding' });
    assert.deepEqual(sent.ack(1), ['a']);
    assert.throws(() => sent.ack(1), { code: 'bad_encoding' });
    const settler = new Settler();
    assert.throws(() => settler.receive(2), { code: 'bad_encoding' });
    for (let at = 1; at <= 256; at++) settler.receive(at);
    assert.throws(() => settler.receive(257), { code: 'overloaded' });
  });
});
