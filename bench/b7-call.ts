/**
 * One call's crypto: an offer sealed to a prekey and signed, verified and opened; an answer sealed in PSK mode to the call key and signed,
 * verified and opened. Both sides of the call on one core.
 */
import { type Bytes, concat, utf8 } from '../src/bytes.ts';
import { compositePublicKey, compositeSigner, compositeVerify } from '../src/crypto/composite.ts';
import { sha256 } from '../src/crypto/hash.ts';
import { openBase, openPsk, sealBase, sealPsk } from '../src/crypto/hpke.ts';
import type { Provider } from '../src/crypto/primitives.ts';
import { xwingPublicKey } from '../src/crypto/xwing.ts';
import type { Bare } from './b7-bare.ts';

/** Bytes of a header, and of the padded bodies of an offer and an answer with Chromium's audio and video SDP. */
const HEADER = new Uint8Array(400);
const OFFER = new Uint8Array(5120);
const ANSWER = new Uint8Array(4096);
/** What a signature is over: header ‖ enc ‖ ciphertext. */
const signedBytes = (body: Uint8Array): number => HEADER.length + 1120 + body.length + 16;

const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
const labels = (epoch: string, lengths: Record<string, number>) =>
  Object.entries(lengths).map(([name, length]) => ({ label: `volly/1/${epoch}/${name}`, length }));
const E0 = labels('e0', { psk: 32, caller: 44, callee: 44 });
const E1 = labels('e1', { caller: 44, callee: 44, confirm: 32, next: 32, 'sframe/caller': 32, 'sframe/callee': 32 });

export function ourCall(provider: Provider): () => Promise<void> {
  const [spk, ek, caller, callee] = [random(32), random(32), random(64), random(64)];
  const [spkPublic, ekPublic] = [xwingPublicKey(provider, spk), xwingPublicKey(provider, ek)];
  const [callerPublic, calleePublic] = [compositePublicKey(provider, caller), compositePublicKey(provider, callee)];
  const [signCaller, signCallee] = [compositeSigner(provider, caller), compositeSigner(provider, callee)];
  const info = (use: string) => concat(utf8(use), sha256(HEADER));
  return async () => {
    const offerOptions = { info: info('volly/1/offer'), aad: HEADER, exports: E0 };
    const offer = await sealBase(provider, { ...offerOptions, publicKey: spkPublic, plaintext: OFFER });
    const offered = concat(HEADER, offer.enc, offer.ciphertext);
    const offerSignature = signCaller(offered, 'volly/1/offer');

    let good = compositeVerify(provider, callerPublic, offered, 'volly/1/offer', offerSignature);
    const opened = await openBase(provider, { ...offerOptions, seed: spk, enc: offer.enc, ciphertext: offer.ciphertext });
    const psk = { psk: opened.exported[0] as Bytes, pskId: sha256(offered) };

    const answerOptions = { info: info('volly/1/answer'), aad: HEADER, exports: E1, ...psk };
    const answer = await sealPsk(provider, { ...answerOptions, publicKey: ekPublic, plaintext: ANSWER });
    const answered = concat(HEADER, answer.enc, answer.ciphertext);
    const answerSignature = signCallee(answered, 'volly/1/answer');

    good &&= compositeVerify(provider, calleePublic, answered, 'volly/1/answer', answerSignature);
    await openPsk(provider, { ...answerOptions, seed: ek, enc: answer.enc, ciphertext: answer.ciphertext });
    if (!good) throw new Error('a signature of the benchmark does not verify');
  };
}

export function bareCall(bare: Bare): () => void {
  return () => {
    for (const body of [OFFER, ANSWER]) {
      bare.exchange();
      bare.aead(body.length);
      bare.verify(signedBytes(body), bare.sign(signedBytes(body)));
    }
  };
}
