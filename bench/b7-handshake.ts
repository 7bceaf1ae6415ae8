/**
 * One gateway handshake in full mode, both sides on one core: the steps of protocol/handshake-client.ts and handshake-server.ts, the
 * records around them, and the signature of the device list, which the gateway checks too. Against that: the key pair made, one key exchange, three sealed
 * messages, two signatures made and three verified.
 */
import type { Bytes } from '../src/bytes.ts';
import { systemRandom } from '../src/clock.ts';
import { compositePublicKey, compositeSigner } from '../src/crypto/composite.ts';
import { sha256 } from '../src/crypto/hash.ts';
import type { Provider } from '../src/crypto/primitives.ts';
import { parseDeviceId, parseMemberId, serverOf } from '../src/ids.ts';
import { checkSignedList } from '../src/protocol/check.ts';
import { encodeHandshake } from '../src/protocol/handshake.ts';
import { greet, proveDevice, readFinished, readServerHello } from '../src/protocol/handshake-client.ts';
import { answerFull, readClientHello, readProof, verifyProof } from '../src/protocol/handshake-server.ts';
import { decodeIdentity, encodeIdentity } from '../src/protocol/identity.ts';
import { makeList } from '../src/protocol/list.ts';
import { RecordReceiver, RecordSender } from '../src/protocol/records.ts';
import type { Bare } from './b7-bare.ts';

const NONE = new Uint8Array(0);
const MEMBER = parseMemberId('alice@orchid.example');
const NOW = 1_790_000_000_000;

/** A community, and a member's device that knows it. */
function parties(provider: Provider) {
  const [communitySeed, uikSeed, dikSeed] = [systemRandom(64), systemRandom(64), systemRandom(64)];
  const [publicKey, uik, dik] = [communitySeed, uikSeed, dikSeed].map((seed) => compositePublicKey(provider, seed)) as [
    Bytes,
    Bytes,
    Bytes,
  ];
  const entries = [{ device: parseDeviceId('PHONE'), dikHash: sha256(dik), notAfter: NOW + 86_400_000 }];
  const list = makeList(provider, { member: MEMBER, uik, uikSeed, entries, now: NOW });
  const community = {
    server: serverOf(MEMBER),
    publicKey,
    hash: sha256(publicKey),
    sign: compositeSigner(provider, communitySeed),
  };
  return { community, identity: encodeIdentity(list, dik), sign: compositeSigner(provider, dikSeed) };
}

export function ourHandshake(provider: Provider): () => Promise<void> {
  const { community, identity, sign } = parties(provider);
  const pin = { server: community.server, communityKeyHash: community.hash };
  return async () => {
    const greeting = greet(provider, systemRandom);
    const answer = await answerFull(provider, readClientHello(greeting.message), community, {
      now: NOW,
      session: systemRandom(16),
    });

    const greeted = await readServerHello(provider, greeting, answer.message, pin);
    const up = new RecordSender(provider, greeted.keys.client, 0);
    const proof = up.seal(await proveDevice(greeted, { identity, bundle: NONE, token: NONE, sign }));

    const full = readProof(new RecordReceiver(provider, answer.keys.client).open(proof), false);
    if (!full) throw new Error('the proof of the benchmark is not a full one');
    const claimed = decodeIdentity(full.identity);
    checkSignedList(provider, claimed, NOW);
    verifyProof(provider, answer, community.hash, full, claimed.dik);
    const finished = { ticket: systemRandom(32), list: NONE, listSignature: NONE, prekeyHash: NONE };
    const down = new RecordSender(provider, answer.keys.server, 0).seal(encodeHandshake({ kind: 'finished', ...finished }));

    readFinished(new RecordReceiver(provider, greeted.keys.server).open(down));
  };
}

/** Of the server hello's plaintext, of the proof, of the finished; and what is signed: hash ‖ what, the transcript, the list. */
const [HELLO, PROOF, FINISHED] = [5_440, 10_900, 50];
const [SAID, TRANSCRIPT, LIST] = [2_070, 128, 2_130];

export function bareHandshake(bare: Bare): () => void {
  const listSignature = bare.sign(LIST);
  return () => {
    bare.makeKey();
    bare.exchange();
    for (const size of [HELLO, PROOF, FINISHED]) bare.aead(size);
    for (const size of [SAID, TRANSCRIPT]) bare.verify(size, bare.sign(size));
    bare.verify(LIST, listSignature);
  };
}
