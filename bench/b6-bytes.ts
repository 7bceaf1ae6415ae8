/**
 * B6: the bytes of a call's envelopes against the least that has to travel: keys, signatures, the identity where it must, and the padded
 * body, in base64url. What is above it: headers, tags, addresses, ids, and the JSON around them. One call as a browser makes it, with Chromium's
 * audio and video descriptions and all its candidates. Nothing here is random in size, so a round more changes nothing.
 */
import { pathToFileURL } from 'node:url';
import { toHex } from '../src/bytes.ts';
import { newCallId } from '../src/ids.ts';
import { openAnswer, sealAnswer } from '../src/protocol/answer.ts';
import type { Candidate } from '../src/protocol/candidate.ts';
import { type Envelope, encodeEnvelope } from '../src/protocol/envelope.ts';
import { openOffer, sealOffer } from '../src/protocol/offer.ts';
import { type Session, sealMessage } from '../src/protocol/session.ts';
import type { Outgoing } from '../src/protocol/session-messages.ts';
import { openMessage } from '../src/protocol/session-receive.ts';
import type { Known } from '../src/protocol/trust.ts';
import { AV, first, makePerson, NOW, openGuard, P, peerOf, random } from '../test/protocol/people.ts';
import type { Progress, Row } from './rows.ts';

const TARGET = 1.15;
const TAG = 16;
const base64url = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** A first call carries the caller's identity; later ones, to a device that has answered before, need not. */
async function envelopesOfCall(withIdentity: boolean): Promise<Envelope[]> {
  const [alice, bob] = [makePerson('alice@orchid.example'), makePerson('bob@maple.example')];
  const { local, identity } = first(alice);
  const offered = await sealOffer(P, random, {
    ...{ device: local, peer: peerOf(bob), callId: newCallId(random), sdp: AV.offer, policy: 'none', now: NOW },
    ...(withIdentity ? { identity } : {}),
  });
  const known: Known = withIdentity ? {} : { identities: { [toHex(local.dikHash)]: identity } };
  const opened = await openOffer(P, offered.envelope, { device: first(bob).local, known, guard: openGuard, now: NOW });
  const envelopes: Envelope[] = [offered.envelope];
  let [caller, callee] = [offered.session, opened.session];

  async function say(from: 'caller' | 'callee', message: Outgoing): Promise<void> {
    const sent = sealMessage(P, random, from === 'caller' ? caller : callee, message, NOW);
    const received = await openMessage(P, from === 'caller' ? callee : caller, sent.envelope, NOW);
    if (received.kind !== 'opened') throw new Error(`${message.type} does not open`);
    const sessions: [Session, Session] = [sent.session, received.session];
    [caller, callee] = from === 'caller' ? sessions : [sessions[1], sessions[0]];
    envelopes.push(sent.envelope);
  }

  await say('callee', { type: 'ringing' });
  const answer = {
    device: first(bob).local,
    leg: opened.leg,
    session: callee,
    sdp: AV.answer,
    policy: 'none',
    now: NOW,
  } as const;
  const answered = await sealAnswer(P, random, answer);
  envelopes.push(answered.envelope);
  caller = (await openAnswer(P, answered.envelope, { leg: offered.leg, session: caller, now: NOW })).session;
  callee = answered.session;
  await say('caller', { type: 'select_answer' });
  for (const from of ['callee', 'caller'] as const) await say(from, { type: 'candidates', candidates: candidates() });
  await say('caller', { type: 'hangup', reason: 'hangup' });
  return envelopes;
}

/** All of one side in one batch: they come within its 100 ms on an ordinary machine. */
const candidates = (): Candidate[] =>
  AV.candidates.map((found) => ({
    ...{ candidate: found?.candidate ?? '', sdpMid: found?.sdpMid ?? '' },
    ...{ sdpMLineIndex: found?.sdpMLineIndex ?? 0, ufrag: found?.usernameFragment ?? '' },
  }));

function floorOf(envelope: Envelope): number {
  const { quantum_key, signature, identity, sealed } = envelope as unknown as Record<string, Uint8Array | undefined>;
  const parts = [quantum_key?.length ?? 0, signature?.length ?? 0, identity?.length ?? 0, (sealed?.length ?? TAG) - TAG];
  return parts.reduce((sum, bytes) => sum + base64url(bytes), 0);
}

export async function run(wanted: number, progress: Progress = () => {}): Promise<Row[]> {
  const rows: Row[] = [];
  for (const withIdentity of [true, false]) {
    const what = withIdentity ? 'a first call' : 'a later call';
    progress(`B6 ${what}`);
    const sizes = (await envelopesOfCall(withIdentity)).map((envelope) => ({
      name: envelope.type.replace('app.volly.call.', ''),
      bytes: encodeEnvelope(envelope).length,
      floor: floorOf(envelope),
    }));
    for (const { name, bytes, floor } of sizes) progress(`B6   ${name.padEnd(14)} ${bytes} bytes, floor ${floor}`);
    const sum = (of: 'bytes' | 'floor') => sizes.reduce((total, size) => total + size[of], 0);
    rows.push({
      id: 'B6',
      measure: `bytes of ${what}, all envelopes ÷ keys, signatures${withIdentity ? ', identity' : ''} and padded bodies`,
      value: sum('bytes') / sum('floor'),
      target: TARGET,
      better: 'lower',
      rounds: wanted,
      note: `${sum('bytes')} against ${sum('floor')} bytes in ${sizes.length} envelopes; offer and answer alone ${(
        heads(sizes, 'bytes') / heads(sizes, 'floor')
      ).toFixed(2)}`,
    });
  }
  return rows;
}

const heads = (sizes: readonly { name: string; bytes: number; floor: number }[], of: 'bytes' | 'floor'): number =>
  sizes.filter(({ name }) => name === 'offer' || name === 'answer').reduce((total, size) => total + size[of], 0);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await run(1, console.error));
