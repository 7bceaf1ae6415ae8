/**
 * B7: what src/crypto adds to the primitives of a call. One call = an offer sealed to a prekey and signed, verified and
 * opened; an answer sealed in PSK mode to the call key and signed, verified and opened. Both sides of the call on one core.
 */
import { pathToFileURL } from 'node:url';
import { type Bytes, concat, utf8 } from '../src/bytes.ts';
import { compositePublicKey, compositeSigner, compositeVerify } from '../src/crypto/composite.ts';
import { sha256 } from '../src/crypto/hash.ts';
import { openBase, openPsk, sealBase, sealPsk } from '../src/crypto/hpke.ts';
import { native } from '../src/crypto/native.ts';
import { noble } from '../src/crypto/noble.ts';
import type { Provider } from '../src/crypto/primitives.ts';
import { xwingPublicKey } from '../src/crypto/xwing.ts';
import { type BareMessage, bareNative, bareNoble } from './b7-bare.ts';

export interface Row {
  readonly id: 'B7';
  readonly measure: string;
  readonly value: number;
  readonly target: number;
  readonly better: 'lower' | 'higher';
  readonly rounds: number;
  /** The two times behind the ratio. */
  readonly note: string;
}

const TARGET = 1.3;
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

function ourCall(provider: Provider): () => Promise<void> {
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

function bareCall(message: BareMessage): () => void {
  return () => {
    message(OFFER.length, signedBytes(OFFER));
    message(ANSWER.length, signedBytes(ANSWER));
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median over all rounds of ours against the median of bare, call by call in turn, so that both meet the same machine. */
async function compare(ours: () => unknown, bare: () => unknown, calls: number, rounds: number) {
  const times: { ours: number[]; bare: number[] } = { ours: [], bare: [] };
  for (let i = 0; i < calls; i++) await timed(i % 2 ? ours : bare);
  for (let round = 0; round < rounds; round++)
    for (let call = 0; call < calls; call++) {
      times.ours.push(await timed(ours));
      times.bare.push(await timed(bare));
    }
  return { ours: median(times.ours), bare: median(times.bare) };
}

export async function run(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  const sides = [
    ...(native ? [{ provider: native, bare: bareNative(), calls: 60 }] : []),
    { provider: noble, bare: bareNoble(), calls: 8 },
  ];
  for (const { provider, bare, calls } of sides) {
    const { ours, bare: base } = await compare(ourCall(provider), bareCall(bare), calls, Math.max(rounds, 5));
    rows.push({
      id: 'B7',
      measure: `crypto of a call, ${provider.name} provider ÷ its primitives bare`,
      value: ours / base,
      target: TARGET,
      better: 'lower',
      rounds: Math.max(rounds, 5),
      note: `${ours.toFixed(2)} ms against ${base.toFixed(2)} ms`,
    });
  }
  return rows;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await run(5));
