/**
 * The bridge's side of the gateway handshake, PROTOCOL.md section 14. Who may come in is decided elsewhere (gateway/authenticate.ts):
 * here is what the keys prove.
 */
import { type Bytes, concat } from '../bytes.ts';
import { compositeVerify, type Signer } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import { sealBase, sealPsk } from '../crypto/hpke.ts';
import type { Provider } from '../crypto/primitives.ts';
import { checkXwingPublicKey } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { encodeCbor } from './cbor.ts';
import {
  clientTranscript,
  decodeHandshake,
  EXPORTS,
  encodeHandshake,
  type FullProof,
  type GatewayKeys,
  gatewayKeys,
  handshakeInfo,
} from './handshake.ts';
import { CONTEXT } from './suite.ts';

export interface Community {
  readonly server: ServerName;
  /** 1,984 bytes. */
  readonly publicKey: Uint8Array;
  /** H(publicKey), 32 bytes. */
  readonly hash: Bytes;
  /** By the community key. */
  readonly sign: Signer;
  /** How apps come from earlier keys to this one, encoded, oldest first (section 14.7). Absent: there was none before. */
  readonly successors?: readonly Uint8Array[];
}

export interface ClientHello {
  readonly hash: Bytes;
  readonly ek: Uint8Array;
  /** 32 bytes, or undefined. */
  readonly ticket: Uint8Array | undefined;
}

export interface ServerHello {
  /** To be sent. */
  readonly message: Bytes;
  readonly resumed: boolean;
  readonly keys: GatewayKeys;
  readonly helloHash: Bytes;
  readonly serverHelloHash: Bytes;
}

/** What this answer says about itself. `eseed` (64 bytes) is for reproducible vectors with the noble provider only. */
export interface Saying {
  /** Unix ms. */
  readonly now: number;
  /** 16 random bytes. */
  readonly session: Uint8Array;
  readonly eseed?: Uint8Array;
}

/** Section 14.1. Throws `bad_encoding`, and `bad_key` for an ek of low order or out of range. */
export function readClientHello(message: Uint8Array): ClientHello {
  const hello = decodeHandshake(message);
  if (hello.kind !== 'client-hello') throw new VollyError('bad_encoding', 'not a client hello');
  checkXwingPublicKey(hello.ek);
  return { hash: sha256(message), ek: hello.ek, ticket: hello.ticket.length > 0 ? hello.ticket : undefined };
}

const sealing = (hello: ClientHello, { eseed }: Saying) => ({
  publicKey: hello.ek,
  info: handshakeInfo(hello.hash),
  aad: new Uint8Array(0),
  exports: EXPORTS,
  ...(eseed ? { eseed } : {}),
});

/** Section 14.2, full mode. */
export async function answerFull(
  provider: Provider,
  hello: ClientHello,
  community: Community,
  saying: Saying,
): Promise<ServerHello> {
  const what = encodeCbor([community.server, community.publicKey, saying.now, saying.session, community.successors ?? []]);
  const signature = community.sign(concat(hello.hash, what), CONTEXT.gatewayServer);
  const sealed = await sealBase(provider, { ...sealing(hello, saying), plaintext: encodeCbor([what, signature]) });
  return serverHello(hello, false, sealed);
}

/** Section 14.2, resumed mode. The ticket's row is consumed by now. `psk` is its 32 bytes. */
export async function answerResumed(
  provider: Provider,
  hello: ClientHello & { readonly ticket: Uint8Array },
  server: ServerName,
  psk: Uint8Array,
  saying: Saying,
): Promise<ServerHello> {
  const what = encodeCbor([server, saying.now, saying.session]);
  const keys = { psk, pskId: sha256(hello.ticket) };
  const sealed = await sealPsk(provider, { ...sealing(hello, saying), ...keys, plaintext: encodeCbor([what]) });
  return serverHello(hello, true, sealed);
}

function serverHello(
  hello: ClientHello,
  resumed: boolean,
  { enc, ciphertext, exported }: { enc: Bytes; ciphertext: Bytes; exported: Bytes[] },
): ServerHello {
  const message = encodeHandshake({ kind: 'server-hello', resumed, enc, ct: ciphertext });
  return { message, resumed, keys: gatewayKeys(exported), helloHash: hello.hash, serverHelloHash: sha256(message) };
}

/**
 * Section 14.3: the opened first record of the client. Undefined in resumed mode, where opening it was the proof.
 * Throws `bad_encoding`, also for the other mode's message.
 */
export function readProof(plaintext: Uint8Array, resumed: boolean): FullProof | undefined {
  const message = decodeHandshake(plaintext);
  if (message.kind !== 'proof' || resumed !== (message.full === undefined)) throw new VollyError('bad_encoding', 'not a proof');
  return message.full;
}

/** Whether the device that holds this DIK made this proof, in this handshake, with this community. Throws `bad_signature`. */
export function verifyProof(
  provider: Provider,
  { helloHash, serverHelloHash }: ServerHello,
  communityKeyHash: Uint8Array,
  proof: FullProof,
  dik: Uint8Array,
): void {
  const transcript = clientTranscript(helloHash, serverHelloHash, communityKeyHash, proof.token);
  if (!compositeVerify(provider, dik, transcript, CONTEXT.gatewayClient, proof.signature))
    throw new VollyError('bad_signature', 'client proof');
}
