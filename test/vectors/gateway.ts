/** The gateway handshake of Alice's phone with orchid.example, full and resumed, and records both ways. PROTOCOL.md section 14. */
import { type Bytes, utf8 } from '../../src/bytes.ts';
import { compositePublicKey, compositeSign, compositeSigner } from '../../src/crypto/composite.ts';
import { hkdfSha256, sha256 } from '../../src/crypto/hash.ts';
import { envelopeIdFromBytes, parseServerName } from '../../src/ids.ts';
import { type Cbor, decodeCbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { encodeFrames, type Frame } from '../../src/protocol/frames.ts';
import { encodeHandshake, type GatewayKeys } from '../../src/protocol/handshake.ts';
import { greet, proveDevice, type Resumption, readServerHello } from '../../src/protocol/handshake-client.ts';
import { answerFull, answerResumed, type ClientHello, readClientHello } from '../../src/protocol/handshake-server.ts';
import { formatInvite } from '../../src/protocol/invite.ts';
import { RecordSender } from '../../src/protocol/records.ts';
import { signSuccessor } from '../../src/protocol/successor.ts';
import { draw, eseedOf, NOW, provider, randomOf } from './fixed.ts';
import { alice } from './people.ts';

const seed = draw('gateway/community', 64);
const publicKey = compositePublicKey(provider, seed);
const community = { server: parseServerName('orchid.example'), publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed) };
const token = draw('gateway/token', 16);
const EMPTY = new Uint8Array(0);

const UP: Frame[] = [
  { kind: 'envelope', n: 1, envelope: utf8('{}') },
  { kind: 'publish', n: 2, bundle: alice.bundle },
  { kind: 'ping', id: 1 },
  { kind: 'taken', n: 3 },
];
const DOWN: Frame[] = [
  { kind: 'ack', n: 2 },
  { kind: 'refused', n: 3, code: 'overloaded' },
  { kind: 'pong', id: 1 },
  { kind: 'caught_up' },
  { kind: 'list', list: alice.list.bytes, signature: alice.list.signature },
  { kind: 'delivered', id: envelopeIdFromBytes(draw('gateway/delivered', 16)) },
  { kind: 'bye', code: 'shutting_down' },
];

/** The third record of a direction, under the old block, ends with key_update; the fourth is sealed under the next one. */
function records(block: Bytes, first: Uint8Array, frames: readonly Frame[]) {
  const sender = new RecordSender(provider, block, 0);
  const handshake = sender.seal(first);
  const plain = sender.sealFrames(frames, 0);
  const updating = sender.sealFrames([{ kind: 'ping', id: 2 }], 3_600_000);
  const after = sender.sealFrames([{ kind: 'ping', id: 3 }], 3_600_000);
  const next = hkdfSha256({ ikm: block, salt: EMPTY, info: utf8('volly/1/gateway/update'), length: 44 });
  return { plaintexts: [first, encodeFrames(frames)], records: [handshake, plain, updating, after], next_block: next };
}

async function handshake(label: string, resumption?: Resumption) {
  const greeting = greet(provider, randomOf(`${label}/hello`), resumption);
  const ekSeed = greeting.seed.slice();
  const hello = readClientHello(greeting.message);
  const saying = { now: NOW, session: draw(`${label}/session`, 16), eseed: eseedOf(label) };
  const answer = resumption
    ? await answerResumed(provider, hello as ClientHello & { ticket: Bytes }, community.server, resumption.psk, saying)
    : await answerFull(provider, hello, community, saying);
  const pin = { server: community.server, communityKeyHash: community.hash };
  const greeted = await readServerHello(provider, greeting, answer.message, pin);
  const proof = await proveDevice(greeted, {
    ...{ identity: alice.identity, bundle: alice.bundle, token },
    sign: (message, context) => compositeSign(provider, alice.local.dikSeed, message, context),
  });
  const ticket = draw(`${label}/ticket`, 32);
  const rest = resumption
    ? { list: alice.list.bytes, listSignature: alice.list.signature, prekeyHash: EMPTY }
    : { list: EMPTY, listSignature: EMPTY, prekeyHash: alice.prekey.hash };
  const finished = encodeHandshake({ kind: 'finished', ticket, ...rest });
  const { client, server, resume } = answer.keys as { [K in keyof GatewayKeys]: Bytes };
  return {
    ...{ ek_seed: ekSeed, client_hello: greeting.message, eseed: saying.eseed, time: NOW, session: saying.session },
    ...{ server_hello: answer.message, client_block: client, server_block: server, resume, ticket },
    up: records(client, proof, UP),
    down: records(server, finished, DOWN),
  };
}

const flip = (bytes: Uint8Array, at: number): Uint8Array => Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));

function refusals(hello: Uint8Array, answer: Uint8Array) {
  const fields = decodeCbor(hello) as Cbor[];
  const ek = fields[3] as Uint8Array;
  const error = encodeHandshake({ kind: 'error', code: 'not_enrolled' });
  const reply = decodeCbor(answer) as Cbor[];
  return [
    { as: 'client_hello', why: 'another version', code: 'bad_encoding', input: encodeCbor(fields.with(1, 'volly-gw-2')) },
    { as: 'client_hello', why: 'a ticket of 31 bytes', code: 'bad_encoding', input: encodeCbor(fields.with(4, new Uint8Array(31))) },
    { as: 'client_hello', why: 'an X25519 part of low order', code: 'bad_key', input: encodeCbor(fields.with(3, ek.slice().fill(0, 1184))) },
    { as: 'client_hello', why: 'a coefficient not below q', code: 'bad_key', input: encodeCbor(fields.with(3, ek.slice().fill(255, 0, 3))) },
    { as: 'server_hello', why: 'a changed ciphertext', code: 'handshake_failed', input: flip(answer, answer.length - 1) },
    { as: 'server_hello', why: 'a changed encapsulation', code: 'handshake_failed', input: flip(answer, 100) },
    { as: 'server_hello', why: 'resumed without a ticket', code: 'handshake_failed', input: encodeCbor(reply.with(1, 1)) },
    { as: 'server_hello', why: 'a plain error decides nothing', code: 'handshake_failed', input: error },
    { as: 'record', why: 'no frames', code: 'bad_encoding', input: encodeCbor([]) },
    { as: 'record', why: 'a frame after key_update', code: 'bad_encoding', input: encodeCbor([[6], [8]]) },
    { as: 'record', why: 'an unknown frame', code: 'bad_encoding', input: encodeCbor([[10]]) },
    { as: 'record', why: 'an empty envelope', code: 'bad_encoding', input: encodeCbor([[0, 1, EMPTY]]) },
    { as: 'record', why: '257 frames', code: 'bad_encoding', input: encodeCbor(Array.from({ length: 257 }, () => [8])) },
  ];
}

/** The step from an earlier key to the community's, section 14.7. */
function successor() {
  const old_seed = draw('gateway/old-community', 64);
  const oldKey = compositePublicKey(provider, old_seed);
  const sign = compositeSigner(provider, old_seed);
  const step = signSuccessor({ server: community.server, oldKey, sign, newKey: publicKey, time: NOW });
  return { old_seed, old_key_hash: sha256(oldKey), time: NOW, step };
}

export async function gatewayVectors() {
  const full = await handshake('gateway/full');
  const gateway = 'wss://chat.orchid.example/volly/v1';
  return {
    server: community.server,
    community_seed: seed,
    community_key: publicKey,
    community_key_hash: community.hash,
    token,
    invite: formatInvite({ gateway, member: alice.member, communityKeyHash: community.hash, token }),
    successor: successor(),
    full,
    resumed: await handshake('gateway/resumed', { ticket: full.ticket, psk: full.resume }),
    must_fail: refusals(full.client_hello, full.server_hello),
  };
}
