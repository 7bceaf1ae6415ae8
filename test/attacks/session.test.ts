/** A peer that breaks the rules of a call it is in. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { type Sent, type Session, sealMessage } from '../../src/protocol/session.ts';
import type { RekeyRequest } from '../../src/protocol/session-messages.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import { sealRekey } from '../../src/protocol/session-rekey.ts';
import { AV, activeCall, answeredCall, makePerson, NOW, P, random } from '../protocol/people.ts';

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');

/** Whether everybody can read it: sealed under a key of zeros. */
function isOpen({ envelope }: Sent, seq: number): boolean {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(seq));
  return P.chacha20poly1305.open(new Uint8Array(32), nonce, envelope.header, envelope.sealed) !== undefined;
}

describe('attacks by the peer of a call', () => {
  it('a message of the old epoch behind the reply that ends it does not leave a key of zeros in use', async () => {
    const call = await activeCall(alice, bob);
    const asked = sealMessage(
      P,
      random,
      call.caller,
      { type: 'negotiate', description: 'offer', sdp: AV.offer, rekey: true },
      NOW,
    );
    const got = await openMessage(P, call.callee, asked.envelope, NOW);
    assert(got.kind === 'opened');
    const { rekey } = got.messages[0] as { rekey: RekeyRequest };
    const { sendSeq } = got.session;
    const ahead: Session = { ...got.session, sendSeq: { ...sendSeq, later: sendSeq.later + 1 } };
    const late = sealMessage(P, random, ahead, { type: 'heartbeat' }, NOW);
    const reply = await sealRekey(P, random, got.session, { sdp: AV.answer, rekey, now: NOW });

    const first = await openMessage(P, asked.session, late.envelope, NOW);
    assert(first.kind === 'opened' && first.messages.length === 0);
    let session = first.session;
    const second = await openMessage(P, session, reply.envelope as EnvelopeOf<'app.volly.call.negotiate'>, NOW).catch(
      () => undefined,
    );
    if (second?.kind === 'opened') session = second.session;
    const seq = session.sendSeq.later;
    const next = sealMessage(P, random, session, { type: 'heartbeat' }, NOW);
    assert.ok(!isOpen(next, seq));
    const peer = await openMessage(P, reply.session, next.envelope, NOW);
    assert.equal(peer.kind, 'opened');
  });

  it('nor does an answer to no offer behind select', async () => {
    const call = await answeredCall(alice, bob);
    const selected = sealMessage(P, random, call.caller, { type: 'select_answer' }, NOW);
    const answer = sealMessage(P, random, selected.session, { type: 'negotiate', description: 'answer', sdp: AV.answer }, NOW);
    const first = await openMessage(P, call.callee, answer.envelope, NOW);
    assert(first.kind === 'opened');
    let session = first.session;
    const second = await openMessage(P, session, selected.envelope, NOW).catch(() => undefined);
    if (second?.kind === 'opened') session = second.session;
    const epoch = session.selectedAt === undefined ? 'zero' : 'later';
    const seq = session.sendSeq[epoch];
    assert.ok(!isOpen(sealMessage(P, random, session, { type: 'hangup', reason: 'hangup' }, NOW), seq));
  });

  it('what waits behind a gap, which ends no call any more, is 2 MB at most, and is not in the way of what is missing', async () => {
    const { caller, callee } = await activeCall(alice, bob);
    const candidate = `candidate:1 1 udp 1 192.0.2.1 9 typ host a ${'x'.repeat(256)} b ${'x'.repeat(180)}`;
    const one = { candidate, sdpMid: '0', sdpMLineIndex: 0, ufrag: '' };
    const candidates = Array.from({ length: LIMITS.candidatesPerMessage }, () => one);
    const missing = sealMessage(P, random, caller, { type: 'candidates', candidates }, NOW);
    let [sender, receiver, waiting] = [missing.session, callee, 0];
    for (let i = 0; i < LIMITS.replayWindow - 1; i++) {
      const sent = sealMessage(P, random, sender, { type: 'candidates', candidates }, NOW);
      sender = sent.session;
      const got = await openMessage(P, receiver, sent.envelope, NOW).catch(() => undefined);
      if (got?.kind !== 'opened') continue;
      receiver = got.session;
      waiting++;
    }
    assert.equal(waiting, LIMITS.waitingCandidates);
    const all = await openMessage(P, receiver, missing.envelope, NOW);
    assert.equal(all.kind === 'opened' && all.messages.length, 1 + waiting);
  });
});
