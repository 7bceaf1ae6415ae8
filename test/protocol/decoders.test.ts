/** Every decoder against random bytes, mutated valid bytes, and valid CBOR of another shape: nothing but a VollyError comes out. */
import assert from 'node:assert/strict';
import { encode } from 'cborg';
import fc from 'fast-check';
import type { Bytes } from '../../src/bytes.ts';
import { VollyError } from '../../src/errors.ts';
import { newCallId } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { openAnswer, sealAnswer } from '../../src/protocol/answer.ts';
import { decodeBody, encodeBody, PADDING } from '../../src/protocol/body.ts';
import { checkBundle, decodeBundle } from '../../src/protocol/bundle.ts';
import { decodeCandidate, encodeCandidate } from '../../src/protocol/candidate.ts';
import { type Cbor, decodeCbor } from '../../src/protocol/cbor.ts';
import { checkSender, readOpening } from '../../src/protocol/check.ts';
import { decodeEnvelope, encodeEnvelope } from '../../src/protocol/envelope.ts';
import { encodeHeader, readHeader } from '../../src/protocol/header.ts';
import { decodeIdentity } from '../../src/protocol/identity.ts';
import { decodeLegacyStatement } from '../../src/protocol/legacy.ts';
import { decodeList, encodeList } from '../../src/protocol/list.ts';
import { openOffer, sealOffer } from '../../src/protocol/offer.ts';
import { decodePrekey, encodePrekey } from '../../src/protocol/prekey.ts';
import { sealGrant } from '../../src/protocol/presence.ts';
import { openUpdate, readUpdate, sealUpdate, startPresence } from '../../src/protocol/presence-update.ts';
import { checkSdp } from '../../src/protocol/sdp.ts';
import { sealMessage } from '../../src/protocol/session.ts';
import { decodeMessage, encodeMessage, MESSAGES, type MessageName } from '../../src/protocol/session-messages.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import { AV, activeCall, first, makeLegacy, makePerson, NOW, openGuard, P, peerOf, random, ring } from './people.ts';

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');
const carol = makeLegacy('carol@c.example');

async function tame(decode: () => unknown): Promise<void> {
  try {
    await decode();
  } catch (error) {
    assert(error instanceof VollyError, error instanceof Error ? error.stack : String(error));
  }
}

/** One to three bytes changed, cut off, or put in. */
const mutated = (valid: Uint8Array) =>
  fc
    .array(fc.tuple(fc.constantFrom('change', 'cut', 'insert'), fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 3,
    })
    .map((edits) => {
      let bytes = [...valid];
      for (const [how, at, value] of edits) {
        if (how === 'change') bytes[at] = value;
        else if (how === 'cut') bytes = bytes.slice(0, at);
        else bytes.splice(at, 0, value);
      }
      return Uint8Array.from(bytes);
    });

/** A tree like the valid one with one leaf or branch replaced: right CBOR, wrong structure. */
const misshapen = (valid: Cbor) =>
  fc
    .tuple(
      fc.array(fc.nat({ max: 9 }), { maxLength: 3 }),
      fc.constantFrom<Cbor>(0, 7, true, '', 'x', '\r\n', [], [[]], new Uint8Array(), new Uint8Array(32)),
    )
    .map(([path, value]) => {
      const copy = structuredClone(valid) as Cbor[];
      let node = copy;
      for (const step of path.slice(0, -1)) {
        const next = node[step % Math.max(1, node.length)];
        if (Array.isArray(next)) node = next as Cbor[];
      }
      node[(path.at(-1) ?? 0) % Math.max(1, node.length)] = value;
      return copy;
    });

const anyBytes = (valid: Bytes) => {
  const tree = fc.constant(decodeCbor(valid));
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    mutated(valid),
    tree.chain(misshapen).map((value) => encode(value)),
  );
};

const header = encodeHeader({
  ...{ type: 'app.volly.call.hangup', direction: 0, callId: newCallId(random), from: first(alice).local, to: peerOf(bob).target },
  ...{ epoch: 1, seq: 2, sentTs: NOW, lifetime: 30_000 },
}).bytes;

describe('Decoders', () => {
  const decoders: Record<string, [valid: Bytes, decode: (bytes: Bytes) => unknown, encode?: (value: never) => Uint8Array]> = {
    'device lists': [bob.list.bytes, decodeList, encodeList],
    'prekey statements': [first(bob).prekey.bytes, decodePrekey, encodePrekey],
    'legacy statements': [carol.list.bytes, decodeLegacyStatement],
    identities: [first(bob).identity, decodeIdentity],
    'legacy identities': [first(carol).identity, decodeIdentity],
    bundles: [first(bob).bundle, decodeBundle],
    'legacy bundles': [first(carol).bundle, decodeBundle],
    'checked bundles': [first(bob).bundle, (bytes) => checkBundle(P, bytes, { member: bob.member, known: {}, now: NOW })],
    headers: [
      header,
      (bytes) =>
        readHeader({
          ...{ type: 'app.volly.call.hangup', header: bytes, from: 'alice@a.example/PHONE', to: 'bob@b.example/PHONE' },
        } as Parameters<typeof readHeader>[0]),
    ],
  };
  for (const [name, [valid, decode, encode]] of Object.entries(decoders))
    it(`of ${name} throw nothing but a VollyError${encode ? ', and what they accept has one spelling' : ''}`, async () => {
      await decode(valid);
      await fc.assert(
        fc.asyncProperty(anyBytes(valid), (bytes) =>
          tame(() => {
            const value = decode(bytes as Bytes);
            if (encode) assert.deepEqual(encode(value as never), bytes);
          }),
        ),
        { numRuns: 400 },
      );
    });

  it('of bodies throw nothing but a VollyError', async () => {
    const valid = encodeBody([1, 'a', new Uint8Array(5)], PADDING.call);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), mutated(valid)), (bytes) => tame(() => decodeBody(bytes))),
      { numRuns: 2_000 },
    );
  });

  it('of SDP throw nothing but a VollyError', async () => {
    const lines = AV.offer.split('\r\n');
    const shuffled = fc.shuffledSubarray(lines).map((some) => `${some.join('\r\n')}\r\n`);
    const edited = mutated(Buffer.from(AV.offer)).map((bytes) => Buffer.from(bytes).toString('latin1'));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), shuffled, edited), (sdp) => tame(() => checkSdp(sdp))),
      { numRuns: 1_000 },
    );
  });

  const bodies: Record<MessageName, Cbor> = {
    ringing: [],
    heartbeat: [],
    reject: ['busy', true],
    hangup: ['busy'],
    select_answer: [new Uint8Array(32)],
    candidates: [['', '0', 0, '']],
    negotiate: encodeMessage({ type: 'negotiate', description: 'offer', sdp: AV.offer, ek: peerOf(bob).prekey.spk }),
  };
  for (const name of Object.keys(MESSAGES) as MessageName[])
    it(`of ${name} throw nothing but a VollyError, and what they accept goes out the same`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(misshapen([...(bodies[name] as Cbor[])]), fc.constant(bodies[name])), (body) =>
          tame(() => {
            const message = decodeMessage(name, body);
            // DEFLATE has many spellings of one text.
            if (name !== 'negotiate') assert.deepEqual(encodeMessage(message), body);
          }),
        ),
      );
    });

  it('of candidates throw nothing but a VollyError', async () => {
    const valid = encodeCandidate({ candidate: '', sdpMid: '0', sdpMLineIndex: 1, ufrag: 'abcd' });
    await fc.assert(fc.asyncProperty(misshapen(valid), (value) => tame(() => decodeCandidate(value))));
  });
});

describe('Envelopes of strangers', () => {
  /** Any field of bytes replaced, any text kept or broken. */
  const damaged = <T extends object>(envelope: T) =>
    fc
      .constantFrom(...(Object.keys(envelope) as (keyof T)[]).filter((key) => envelope[key] instanceof Uint8Array))
      .chain((key) => {
        const valid = envelope[key] as Bytes;
        const bytes = key === 'header' || key === 'identity' ? anyBytes(valid) : fc.oneof(fc.uint8Array(), mutated(valid));
        return bytes.map((value) => ({ ...envelope, [key]: value }));
      });
  const options = { device: first(bob).local, known: {}, guard: openGuard, now: NOW };

  it('that are damaged offers throw nothing but a VollyError', async () => {
    const { envelope } = await sealOffer(P, random, {
      ...{ device: first(alice).local, peer: peerOf(bob), callId: newCallId(random), sdp: AV.offer, policy: 'none', now: NOW },
      identity: first(alice).identity,
    });
    await fc.assert(
      fc.asyncProperty(damaged(envelope), async (bad) => {
        await tame(() => openOffer(P, bad, options));
        await tame(() => checkSender(P, readOpening(bad), { known: {}, now: NOW }));
      }),
      { numRuns: 300 },
    );
    const text = Buffer.from(encodeEnvelope(envelope));
    await fc.assert(
      fc.asyncProperty(mutated(text), (bytes) => tame(() => decodeEnvelope(Buffer.from(bytes).toString()))),
      { numRuns: 300 },
    );
  });

  it('that a sender signed and sealed with any body throw nothing but a VollyError', async () => {
    const { sealOpening } = await import('../../src/protocol/opening.ts');
    const body = decodeBody(encodeBody([new Uint8Array(9), peerOf(bob).prekey.spk, 'none'], PADDING.offer));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          misshapen(body).map((value) => encodeBody(value, PADDING.offer)),
          fc.uint8Array(),
        ),
        async (bytes) => {
          const { envelope } = await sealOpening(P, random, {
            ...{
              type: 'app.volly.call.offer' as const,
              device: first(alice).local,
              peer: peerOf(bob),
              callId: newCallId(random),
            },
            ...{
              seq: 0,
              now: NOW,
              lifetime: LIMITS.offerLifeMs,
              body: bytes as Bytes,
              exports: [],
              identity: first(alice).identity,
            },
          });
          await assert.rejects(openOffer(P, envelope, options), VollyError);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('that are damaged answers, messages or updates throw nothing but a VollyError', async () => {
    const { caller, callee } = await ring(alice, bob);
    const answer = await sealAnswer(P, random, { device: first(bob).local, ...callee, sdp: AV.answer, policy: 'none', now: NOW });
    const damagedAnswer = damaged(answer.envelope).filter((bad) => encodeEnvelopeDiffers(bad, answer.envelope));
    await fc.assert(
      fc.asyncProperty(damagedAnswer, (bad) => tame(() => openAnswer(P, bad, { ...caller, now: NOW }))),
      { numRuns: 300 },
    );
    const call = await activeCall(alice, bob);
    const { envelope } = sealMessage(P, random, call.caller, { type: 'hangup', reason: 'busy' }, NOW);
    const damagedMessage = damaged(envelope).filter((bad) => encodeEnvelopeDiffers(bad, envelope));
    await fc.assert(
      fc.asyncProperty(damagedMessage, (bad) => tame(() => openMessage(P, call.callee, bad, NOW))),
      { numRuns: 500 },
    );
    const { grant } = await sealGrant(P, random, { device: first(alice).local, peer: peerOf(bob), now: NOW, number: 1 });
    const update = sealUpdate(P, random, startPresence(random, grant, NOW), { state: 'busy', now: NOW, lifetime: 1 }).envelope;
    readUpdate(update);
    await fc.assert(
      fc.asyncProperty(damaged(update), (bad) => tame(() => openUpdate(P, bad, { grant }, NOW))),
      { numRuns: 500 },
    );
  });
});

/** A mutation may give back the valid one, which opens, and then a state is used up. */
const encodeEnvelopeDiffers = (a: Parameters<typeof encodeEnvelope>[0], b: Parameters<typeof encodeEnvelope>[0]): boolean =>
  JSON.stringify(Object.values(a).map(String)) !== JSON.stringify(Object.values(b).map(String));
