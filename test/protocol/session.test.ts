import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Bytes } from '../../src/bytes.ts';
import { parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { eraseSession, hasGap, type Sent, type Session, sealMessage } from '../../src/protocol/session.ts';
import type { Incoming, MessageEnvelope, Outgoing } from '../../src/protocol/session-messages.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import { sealRekey } from '../../src/protocol/session-rekey.ts';
import { code, flipped } from '../crypto/providers.ts';
import { AV, activeCall, answeredCall, DATA, makePerson, NOW, P, random, ring } from './people.ts';

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');

/** One side of a call, that follows its session from state to state as an application does. */
class Side {
  session: Session;
  readonly got: Incoming[] = [];
  early: MessageEnvelope[] = [];

  constructor(session: Session) {
    this.session = session;
  }

  #sent({ envelope, session }: Sent): MessageEnvelope {
    this.session = session;
    return envelope;
  }

  send(message: Outgoing, now = NOW): MessageEnvelope {
    return this.#sent(sealMessage(P, random, this.session, message, now));
  }

  async rekey(sdp = AV.answer): Promise<MessageEnvelope> {
    const offer = this.got.findLast((message) => message.type === 'negotiate');
    assert(offer?.type === 'negotiate' && offer.description === 'offer' && offer.rekey);
    return this.#sent(await sealRekey(P, random, this.session, { sdp, rekey: offer.rekey, now: NOW }));
  }

  async open(envelope: MessageEnvelope, now = NOW): Promise<readonly Incoming[]> {
    const received = await openMessage(P, this.session, envelope, now);
    if (received.kind === 'early') {
      this.early.push(envelope);
      return [];
    }
    this.session = received.session;
    this.got.push(...received.messages);
    for (const held of this.early.splice(0)) await this.open(held, now);
    return received.messages;
  }

  get epochs(): readonly number[] {
    return this.session.keys.map(({ epoch }) => epoch);
  }
}

async function sides(start: typeof activeCall = activeCall): Promise<[caller: Side, callee: Side]> {
  const { caller, callee } = await start(alice, bob);
  return [new Side(caller), new Side(callee)];
}

const CANDIDATE = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0, ufrag: '' };
const candidates: Outgoing = { type: 'candidates', candidates: [CANDIDATE] };
const heartbeat: Outgoing = { type: 'heartbeat' };
const negotiate: Outgoing = { type: 'negotiate', description: 'offer', sdp: AV.offer, rekey: true };
const types = (messages: readonly Incoming[]) => messages.map(({ type }) => type);

describe('A session before select', () => {
  it('carries ringing, reject and hangup under the keys of the offer', async () => {
    const { caller, callee } = await ring(alice, bob);
    const [a, b] = [new Side(caller.session), new Side(callee.session)];
    assert.deepEqual(await a.open(b.send({ type: 'ringing' })), [{ type: 'ringing' }]);
    const reject = { type: 'reject', reason: 'declined', all: true } as const;
    assert.deepEqual(await a.open(b.send(reject)), [reject]);
    assert.deepEqual(await b.open(a.send({ type: 'hangup', reason: 'no_answer' })), [{ type: 'hangup', reason: 'no_answer' }]);
  });

  it('has no order in epoch 0, and no second time', async () => {
    const { caller, callee } = await ring(alice, bob);
    const [a, b] = [new Side(caller.session), new Side(callee.session)];
    const [one, two] = [b.send({ type: 'ringing' }), b.send({ type: 'ringing' })];
    await a.open(two);
    await a.open(one);
    for (const envelope of [one, two]) await assert.rejects(a.open(envelope), code('replayed'));
  });

  it('counts in epoch 0 to 1,023', async () => {
    const { caller, callee } = await ring(alice, bob);
    const [a, b] = [new Side(caller.session), new Side(callee.session)];
    b.session = { ...b.session, sendSeq: { zero: 1_023, later: 0 } };
    assert.deepEqual(types(await a.open(b.send({ type: 'ringing' }))), ['ringing']);
    await assert.rejects(a.open(b.send({ type: 'ringing' })), code('rate_limited'));
  });

  it('selects: the callee knows that its answer was taken, and epoch 0 ends', async () => {
    const [a, b] = await sides(answeredCall);
    assert.deepEqual(await b.open(a.send({ type: 'select_answer' })), [{ type: 'select_answer', macMatches: true }]);
    assert.deepEqual(b.epochs, [1]);
    assert.deepEqual(a.epochs, [0, 1]);
    assert.throws(() => a.send({ type: 'select_answer' }), code('forbidden_in_state'));
    assert.equal(a.session.mac, undefined);
  });

  it('tells when the two sides selected different transcripts', async () => {
    const [a, b] = await sides(answeredCall);
    a.session = { ...a.session, mac: random(32) };
    assert.deepEqual(await b.open(a.send({ type: 'select_answer' })), [{ type: 'select_answer', macMatches: false }]);
    assert.equal(b.session.selectedAt, undefined);
  });

  it('takes a hangup of the callee that crossed select, for 30 s', async () => {
    for (const [late, taken] of [
      [0, true],
      [30_000, true],
      [30_001, false],
    ] as const) {
      const [a, b] = await sides(answeredCall);
      const hangup = b.send({ type: 'hangup', reason: 'declined' }, NOW + late);
      a.send({ type: 'select_answer' });
      if (taken) assert.deepEqual(types(await a.open(hangup, NOW + late)), ['hangup']);
      else await assert.rejects(a.open(hangup, NOW + late), code('expired'));
    }
  });

  it('lets the callee send candidates at once and the caller nothing before select', async () => {
    const [a, b] = await sides(answeredCall);
    assert.deepEqual(await a.open(b.send(candidates)), [candidates]);
    assert.throws(() => a.send(candidates), code('forbidden_in_state'));
  });

  it('keeps messages of an epoch it has not reached for later', async () => {
    const { caller } = await ring(alice, bob);
    const [, b] = await sides(answeredCall);
    const envelope = b.send(candidates);
    await assert.rejects(openMessage(P, caller.session, envelope, NOW), code('unknown_call'));
    const c = await ring(alice, bob);
    const early = {
      ...envelope,
      header: encodeCbor((decodeCbor(envelope.header) as Cbor[]).with(3, callBytes(c.caller.session))),
    };
    assert.deepEqual(await openMessage(P, c.caller.session, early, NOW), { kind: 'early' });
  });
});

const callBytes = (session: Session) => Uint8Array.from(Buffer.from(session.callId, 'base64url'));

describe('A session in a call', () => {
  it('carries every type both ways', async () => {
    const [a, b] = await sides();
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      assert.deepEqual(await to.open(from.send(candidates)), [candidates]);
      assert.deepEqual(await to.open(from.send(heartbeat)), [heartbeat]);
      const offer = { type: 'negotiate', description: 'offer', sdp: DATA.offer } as const;
      assert.deepEqual(await to.open(from.send({ ...offer, rekey: false })), [offer]);
      const answer = { type: 'negotiate', description: 'answer', sdp: DATA.answer } as const;
      assert.deepEqual(await from.open(to.send(answer)), [answer]);
    }
    const end = { type: 'hangup', reason: 'hangup' } as const;
    assert.deepEqual(await b.open(a.send(end)), [end]);
  });

  it('applies messages strictly in order, whatever order they come in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), async (order) => {
        const [a, b] = await sides();
        const reasons = order.map((_, i) => i);
        const sent = reasons.map((i) => a.send({ type: 'candidates', candidates: [{ ...CANDIDATE, sdpMLineIndex: i }] }));
        for (const i of order) await b.open(sent[i] as MessageEnvelope);
        const seen = b.got.map((message) => (message.type === 'candidates' ? message.candidates[0]?.sdpMLineIndex : -1));
        assert.deepEqual(seen, reasons);
        assert.equal(hasGap(b.session), false);
      }),
      { numRuns: 20 },
    );
  });

  it('shows a gap until it is filled', async () => {
    const [a, b] = await sides();
    const [one, two] = [a.send(heartbeat), a.send(candidates)];
    assert.deepEqual(await b.open(two), []);
    assert.equal(hasGap(b.session), true);
    assert.deepEqual(types(await b.open(one)), ['heartbeat', 'candidates']);
    assert.equal(hasGap(b.session), false);
  });

  it('lets a hangup act at once, whatever its number', async () => {
    const [a, b] = await sides();
    a.send(heartbeat);
    assert.deepEqual(types(await b.open(a.send({ type: 'hangup', reason: 'hangup' }))), ['hangup']);
  });

  it('lets it act however far ahead of a gap it is', async () => {
    const [a, b] = await sides();
    a.session = { ...a.session, sendSeq: { zero: 0, later: 9 + LIMITS.replayWindow } };
    assert.deepEqual(types(await b.open(a.send({ type: 'hangup', reason: 'hangup' }))), ['hangup']);
  });

  it('lets it act under new keys whose reply waits behind a gap', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    b.send(heartbeat);
    assert.deepEqual(await a.open(await b.rekey()), []);
    assert.deepEqual(types(await a.open(b.send({ type: 'hangup', reason: 'hangup' }))), ['hangup']);
  });

  it('refuses a message it has had, waiting or applied, and one too far ahead', async () => {
    const [a, b] = await sides();
    const [one, two] = [a.send(heartbeat), a.send(heartbeat)];
    await b.open(two);
    await assert.rejects(b.open(two), code('replayed'));
    await b.open(one);
    await assert.rejects(b.open(one), code('replayed'));
    a.session = { ...a.session, sendSeq: { zero: 0, later: 3 + LIMITS.replayWindow } };
    await assert.rejects(b.open(a.send(heartbeat)), code('rate_limited'));
    a.session = { ...a.session, sendSeq: { zero: 0, later: 2 + LIMITS.replayWindow } };
    assert.deepEqual(await b.open(a.send(heartbeat)), []);
  });

  it('lets four descriptions wait behind a gap and no more', async () => {
    const [a, b] = await sides();
    a.send(heartbeat);
    const another = () => {
      const { offered: _, ...rest } = a.session;
      a.session = rest;
      return a.send({ ...negotiate, rekey: false });
    };
    for (let n = 0; n < 4; n++) assert.deepEqual(await b.open(another()), []);
    await assert.rejects(b.open(another()), code('rate_limited'));
    assert.deepEqual(await b.open(a.send(candidates)), []);
  });

  it('refuses what is larger than any message', async () => {
    const [a, b] = await sides();
    const envelope = a.send(heartbeat);
    await assert.rejects(b.open({ ...envelope, sealed: new Uint8Array(24_576 + 17) }), code('too_large'));
    await assert.rejects(b.open({ ...envelope, sealed: new Uint8Array(24_576 + 16) }), code('open_failed'));
  });

  it('is as it was after a message that does not open', async () => {
    const [a, b] = await sides();
    const envelope = a.send(heartbeat);
    const before = b.session;
    await assert.rejects(b.open({ ...envelope, sealed: flipped(envelope.sealed, 3) as Bytes }), code('open_failed'));
    assert.equal(b.session, before);
    await b.open(envelope);
  });

  it('never seals twice from one state, nor from one that was opened with', async () => {
    const [a, b] = await sides();
    const old = a.session;
    const envelope = a.send(heartbeat);
    assert.throws(() => sealMessage(P, random, old, heartbeat, NOW), TypeError);
    const before = b.session;
    await b.open(envelope);
    assert.throws(() => sealMessage(P, random, before, heartbeat, NOW), TypeError);
    await assert.rejects(openMessage(P, before, envelope, NOW), TypeError);
  });

  it('never seals again once it is erased', async () => {
    const [a] = await sides();
    const keys = a.session.keys;
    eraseSession(a.session);
    assert(
      keys.every(({ send, receive }) => [send.key, send.baseNonce, receive.key].every((key) => key.every((byte) => byte === 0))),
    );
    assert.throws(() => a.send(heartbeat), TypeError);
  });

  it('refuses old messages and those from the future', async () => {
    const [a, b] = await sides();
    const envelope = a.send(heartbeat);
    await assert.rejects(b.open(envelope, NOW + 30_001), code('expired'));
    await assert.rejects(b.open(envelope, NOW - 30_001), code('clock_skew'));
    await b.open(envelope, NOW + 30_000);
  });

  it('R4 opens nothing under another type, direction, epoch or number', async () => {
    const [a, b] = await sides();
    const envelope = a.send(heartbeat);
    const change = (at: number, value: Cbor, more: object = {}) =>
      ({ ...envelope, header: encodeCbor((decodeCbor(envelope.header) as Cbor[]).with(at, value)), ...more }) as MessageEnvelope;
    await assert.rejects(b.open({ ...envelope, type: 'app.volly.call.candidates' }), code('wrong_type'));
    await assert.rejects(
      b.open(change(1, 'app.volly.call.candidates', { type: 'app.volly.call.candidates' })),
      code('open_failed'),
    );
    await assert.rejects(b.open(change(2, 1)), code('wrong_type'));
    await assert.rejects(b.open(change(6, 0)), code('forbidden_in_state'));
    await assert.rejects(b.open(change(7, 5)), code('open_failed'));
    await assert.rejects(b.open(change(8, NOW + 1)), code('open_failed'));
    // Its own message does not come back to the caller.
    await assert.rejects(a.open(envelope), code('wrong_sender'));
    const { from, to } = envelope;
    const parties = decodeCbor(envelope.header) as Cbor[];
    const mirrored = encodeCbor(
      parties
        .with(2, 1)
        .with(4, parties[5] as Cbor)
        .with(5, parties[4] as Cbor),
    );
    await assert.rejects(a.open({ ...envelope, from: to, to: from, header: mirrored }), code('open_failed'));
  });

  it('R13 opens nothing of another call, peer or device', async () => {
    const [a] = await sides();
    const [, other] = await sides();
    await assert.rejects(other.open(a.send(heartbeat)), code('unknown_call'));
    const renamed = { ...a.send(heartbeat), from: parseDeviceAddress('eve@a.example/PHONE') };
    await assert.rejects(other.open(renamed), code('wrong_sender'));
  });

  it('R2 lets no side send what is the other’s, and takes nothing of the kind', async () => {
    const [a, b] = await sides();
    for (const message of [{ type: 'ringing' }, { type: 'reject', reason: 'declined', all: false }] as const)
      assert.throws(() => a.send(message), code('forbidden_in_state'));
    assert.throws(() => b.send({ type: 'select_answer' }), code('forbidden_in_state'));
    assert.throws(() => b.send({ type: 'ringing' }), code('forbidden_in_state'));
    const envelope = a.send(heartbeat);
    const forged = encodeCbor((decodeCbor(envelope.header) as Cbor[]).with(1, 'app.volly.call.ringing').with(6, 0));
    const ringing = { ...envelope, type: 'app.volly.call.ringing', header: forged } as MessageEnvelope;
    await assert.rejects(b.open(ringing), code('forbidden_in_state'));
  });

  it('refuses what a body may not say, before it is sealed', async () => {
    const [a] = await sides();
    const many = Array.from({ length: 33 }, () => CANDIDATE);
    assert.throws(() => a.send({ type: 'candidates', candidates: many }), code('bad_encoding'));
    assert.throws(() => a.send({ type: 'candidates', candidates: [] }), code('bad_encoding'));
    assert.throws(() => a.send({ type: 'candidates', candidates: [{ ...CANDIDATE, candidate: 'x' }] }), code('bad_candidate'));
    assert.throws(() => a.send({ type: 'hangup', reason: 'Not A Reason' }), code('bad_encoding'));
    assert.throws(() => a.send({ ...negotiate, sdp: 'v=0' } as Outgoing), code('bad_sdp'));
    a.send({ type: 'candidates', candidates: many.slice(1) });
  });
});

describe('Re-keying', () => {
  it('takes both sides to new keys and erases the old', async () => {
    const [a, b] = await sides();
    const old = [a.session.keys.at(-1), b.session.keys.at(-1)];
    await b.open(a.send(negotiate));
    const reply = await b.rekey();
    assert.deepEqual(b.epochs, [1, 2]);
    assert.deepEqual(await a.open(reply), [{ type: 'negotiate', description: 'answer', sdp: AV.answer }]);
    assert.deepEqual(a.epochs, [0, 2]);
    await b.open(a.send(heartbeat));
    assert.deepEqual(b.epochs, [2]);
    assert.deepEqual(a.session.keys.at(-1)?.send, b.session.keys.at(-1)?.receive);
    assert.deepEqual(a.session.keys.at(-1)?.sframe?.send, b.session.keys.at(-1)?.sframe?.receive);
    for (const keys of old)
      for (const key of [keys?.send.key, keys?.receive.key, keys?.next]) assert(key?.every((byte) => byte === 0));
    assert.deepEqual(types(await a.open(b.send(heartbeat))), ['heartbeat']);
  });

  it('answers a request once: the keys it would be answered under are gone', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    await b.rekey();
    await assert.rejects(b.rekey(), code('forbidden_in_state'));
  });

  it('goes on for many epochs, asked for by either side', async () => {
    const [a, b] = await sides();
    for (let epoch = 2; epoch < 8; epoch++) {
      const [asker, replier] = epoch % 3 ? [a, b] : [b, a];
      await replier.open(asker.send(negotiate));
      await asker.open(await replier.rekey());
      await replier.open(asker.send(heartbeat));
      await asker.open(replier.send(heartbeat));
      assert.equal(a.session.sendEpoch, epoch);
      assert.equal(b.session.sendEpoch, epoch);
      assert.equal(b.epochs.length, 1);
    }
  });

  it('takes messages of the old epoch that were under way', async () => {
    const [a, b] = await sides();
    const ask = a.send(negotiate);
    const underWay = a.send(heartbeat);
    await b.open(ask);
    const reply = await b.rekey();
    assert.deepEqual(types(await b.open(underWay)), ['heartbeat']);
    await a.open(reply);
    const next = a.send(heartbeat);
    assert.deepEqual(types(await b.open(next)), ['heartbeat']);
  });

  it('holds what overtakes the reply, and a reply that overtakes what was before it', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    const before = b.send(heartbeat);
    const reply = await b.rekey();
    const after = b.send(candidates);
    await a.open(after);
    assert.equal(a.early.length, 1);
    assert.deepEqual(await a.open(reply), []);
    assert.equal(a.session.sendEpoch, 1);
    await a.open(before);
    assert.deepEqual(types(a.got).slice(-3), ['heartbeat', 'negotiate', 'candidates']);
    assert.equal(a.session.sendEpoch, 2);
  });

  it('has one offer of a side out at a time, and no answer to none', async () => {
    const [a, b] = await sides();
    a.send({ ...negotiate, rekey: false });
    assert.throws(() => a.send(negotiate), code('forbidden_in_state'));
    const answer = b.send({ type: 'negotiate', description: 'answer', sdp: AV.answer });
    const [c, d] = await sides();
    await assert.rejects(
      c.open(d.send({ type: 'negotiate', description: 'answer', sdp: AV.answer })),
      code('forbidden_in_state'),
    );
    await a.open(answer);
    a.send(negotiate);
  });

  it('refuses an answer in the old keys to an offer that asked for new ones', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    const before = a.session;
    const answer = b.send({ type: 'negotiate', description: 'answer', sdp: AV.answer });
    await assert.rejects(a.open(answer), code('downgrade'));
    assert.equal(a.session, before);
  });

  it('refuses an answer whose media sections are not the offer’s', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    await assert.rejects(a.open(await b.rekey(DATA.answer)), code('bad_sdp'));
  });

  it('in glare: the caller goes on with its own offer, the callee rolls its own back', async () => {
    const [a, b] = await sides();
    const [fromCaller, fromCallee] = [a.send(negotiate), b.send(negotiate)];
    await a.open(fromCallee);
    await assert.rejects(a.rekey(), code('forbidden_in_state'));
    await b.open(fromCaller);
    await a.open(await b.rekey());
    assert.equal(b.session.offered, undefined);
    await b.open(a.send(heartbeat));
    assert.deepEqual([a.session.sendEpoch, b.session.sendEpoch], [2, 2]);
    await a.open(b.send(negotiate));
    await b.open(await a.rekey());
    await a.open(b.send(heartbeat));
    assert.deepEqual([a.session.sendEpoch, b.session.sendEpoch], [3, 3]);
  });

  it('R13 a reply opens with its own request and epoch only', async () => {
    const [a, b] = await sides();
    await b.open(a.send(negotiate));
    const reply = (await b.rekey()) as EnvelopeOf<'app.volly.call.negotiate'> & { quantum_key: Bytes };
    const offered = a.session.offered as NonNullable<Session['offered']>;
    const rekey = offered.rekey as NonNullable<typeof offered.rekey>;
    const original = a.session;
    for (const swap of [{ pskId: random(32) }, { seed: random(32) }]) {
      a.session = { ...original, offered: { ...offered, rekey: { ...rekey, ...swap } } };
      await assert.rejects(a.open(reply), code('open_failed'));
    }
    a.session = original;
    await assert.rejects(a.open({ ...reply, quantum_key: flipped(reply.quantum_key, 0) as Bytes }), code('open_failed'));
    await assert.rejects(a.open({ ...reply, quantum_key: new Uint8Array(5) }), code('open_failed'));
    const { quantum_key: _, ...bare } = reply;
    assert.equal((await openMessage(P, a.session, bare as MessageEnvelope, NOW)).kind, 'early');
    await a.open(reply);
    const [c, d] = await sides();
    await d.open(c.send(negotiate));
    c.session = { ...c.session, offered: { sdp: AV.offer } };
    await assert.rejects(c.open(await d.rekey()), code('forbidden_in_state'));
  });
});
