/** One call: offer, ringing, answer, select, messages, a re-keying and the end. Every step with its secrets. */
import { readFileSync } from 'node:fs';
import { type Bytes, concat } from '../../src/bytes.ts';
import { callIdBytes, callIdFromBytes } from '../../src/ids.ts';
import { openAnswer, sealAnswer } from '../../src/protocol/answer.ts';
import { checkBundle } from '../../src/protocol/bundle.ts';
import { envelopeToJson } from '../../src/protocol/envelope.ts';
import { openOffer, sealOffer } from '../../src/protocol/offer.ts';
import { type Session, sealMessage } from '../../src/protocol/session.ts';
import type { EpochKeys } from '../../src/protocol/session-keys.ts';
import type { Incoming, MessageEnvelope, Outgoing } from '../../src/protocol/session-messages.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import { sealRekey } from '../../src/protocol/session-rekey.ts';
import { draw, eseedOf, NOW, provider, randomOf } from './fixed.ts';
import { alice, bob } from './people.ts';

const sdps = JSON.parse(readFileSync(new URL('../fixtures/sdp/chromium-156.json', import.meta.url), 'utf8'));
export const SDP: { readonly offer: string; readonly answer: string } = sdps.av;
export const CALL_ID = callIdFromBytes(draw('call_id', 16));

const block = ({ key, baseNonce }: EpochKeys['send']): Bytes => concat(key, baseNonce);

/** As the callee has them. */
const exportsOf = (session: Session, epoch: number) => {
  const keys = session.keys.find((one) => one.epoch === epoch) as EpochKeys;
  return {
    caller: block(keys.receive),
    callee: block(keys.send),
    ...(keys.next && { next: keys.next.slice(), sframe_caller: keys.sframe?.receive.slice(), sframe_callee: keys.sframe?.send.slice() }),
  };
};

async function open(session: Session, envelope: MessageEnvelope): Promise<{ session: Session; messages: readonly Incoming[] }> {
  const received = await openMessage(provider, session, envelope, NOW);
  if (received.kind !== 'opened') throw new Error('a vector that does not open');
  return received;
}

export async function callVectors() {
  const peer = checkBundle(provider, bob.bundle, { member: bob.member, known: {}, now: NOW });
  const sealed = await sealOffer(provider, randomOf('offer'), {
    ...{ device: alice.local, peer, callId: CALL_ID, sdp: SDP.offer, policy: 'none', now: NOW, identity: alice.identity },
    eseed: eseedOf('offer'),
  });
  const guard = { checkReplay() {}, checkRate() {}, record() {} };
  const opened = await openOffer(provider, sealed.envelope, { device: bob.local, known: {}, guard, now: NOW });
  const offer = {
    ...{ call_id: callIdBytes(CALL_ID), ek_call_seed: sealed.leg.seed.slice(), eseed: eseedOf('offer'), sdp: SDP.offer, policy: 'none' },
    ...{ envelope: envelopeToJson(sealed.envelope), h_offer: sealed.leg.hash, psk: sealed.leg.psk.slice(), exports: exportsOf(opened.session, 0) },
  };

  let { session: caller } = sealed;
  let { session: callee } = opened;
  const messages: object[] = [];
  async function say(from: 'caller' | 'callee', message: Outgoing): Promise<readonly Incoming[]> {
    const label = `message ${messages.length}`;
    const sent = sealMessage(provider, randomOf(label), from === 'caller' ? caller : callee, message, NOW);
    const got = await open(from === 'caller' ? callee : caller, sent.envelope);
    [caller, callee] = from === 'caller' ? [sent.session, got.session] : [got.session, sent.session];
    messages.push({ from, message, envelope: envelopeToJson(sent.envelope) });
    return got.messages;
  }
  await say('callee', { type: 'ringing' });

  const answered = await sealAnswer(provider, randomOf('answer'), {
    ...{ device: bob.local, leg: opened.leg, session: callee, sdp: SDP.answer, policy: 'none', now: NOW, eseed: eseedOf('answer') },
  });
  const answer = {
    ...{ eseed: eseedOf('answer'), sdp: SDP.answer, policy: 'none', envelope: envelopeToJson(answered.envelope) },
    ...{ select_mac: answered.session.mac?.slice(), exports: exportsOf(answered.session, 1) },
  };
  const taken = await openAnswer(provider, answered.envelope, { leg: sealed.leg, session: caller, now: NOW });
  [caller, callee] = [taken.session, answered.session];

  await say('caller', { type: 'select_answer' });
  const candidate = 'candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0 ufrag TEIo network-cost 999';
  await say('callee', { type: 'candidates', candidates: [{ candidate, sdpMid: '0', sdpMLineIndex: 0, ufrag: 'TEIo' }] });
  await say('caller', { type: 'candidates', candidates: [{ candidate: '', sdpMid: '1', sdpMLineIndex: 1, ufrag: '' }] });
  await say('callee', { type: 'heartbeat' });
  const [asked] = await say('caller', { type: 'negotiate', description: 'offer', sdp: SDP.offer, rekey: true });
  if (asked?.type !== 'negotiate' || asked.description !== 'offer' || !asked.rekey) throw new Error('no re-keying');
  const rekey = await sealRekey(provider, randomOf('rekey'), callee, {
    ...{ sdp: SDP.answer, rekey: asked.rekey, now: NOW, eseed: eseedOf('rekey') },
  });
  const reply = {
    ...{ ek_seed: draw(`message ${messages.length - 1}/0`, 32), psk_id: asked.rekey.pskId, eseed: eseedOf('rekey') },
    ...{ sdp: SDP.answer, envelope: envelopeToJson(rekey.envelope), exports: exportsOf(rekey.session, 2) },
  };
  caller = (await open(caller, rekey.envelope)).session;
  callee = rekey.session;
  const before = messages.splice(0);
  await say('caller', { type: 'heartbeat' });
  await say('callee', { type: 'hangup', reason: 'hangup' });
  return { offer, answer, messages: before, rekey: { ...reply, messages_after: messages } };
}
