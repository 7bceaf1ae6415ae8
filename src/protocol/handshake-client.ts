/** The device's side of the gateway handshake, PROTOCOL.md section 14. */
import { type Bytes, concat, equal } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { COMPOSITE, compositeVerify } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import { openBase, openPsk } from '../crypto/hpke.ts';
import type { Provider } from '../crypto/primitives.ts';
import { XWING, xwingPublicKey } from '../crypto/xwing.ts';
import { isErrorCode, VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { asArray, asBytes, asUint, decodeCbor } from './cbor.ts';
import {
  clientTranscript,
  decodeHandshake,
  EXPORTS,
  encodeHandshake,
  type Finished,
  type GatewayKeys,
  gatewayKeys,
  handshakeInfo,
  SESSION_BYTES,
} from './handshake.ts';
import { decodeSuccessors, followSuccessors } from './successor.ts';
import { CONTEXT } from './suite.ts';

/** A ticket of an earlier connection and its psk, 32 bytes each. */
export interface Resumption {
  readonly ticket: Uint8Array;
  readonly psk: Uint8Array;
}

/** Between the two hellos. */
export interface Greeting {
  /** To be sent. */
  readonly message: Bytes;
  readonly seed: Uint8Array;
  readonly resumption: Resumption | undefined;
}

/** The server is who was expected; the client has yet to say who it is. */
export interface Greeted {
  readonly resumed: boolean;
  readonly keys: GatewayKeys;
  /** The server's clock when it signed, Unix ms. */
  readonly time: number;
  /** 16 bytes, for logs. */
  readonly session: Uint8Array;
  readonly helloHash: Uint8Array;
  readonly serverHelloHash: Uint8Array;
  /** Of the key that signed; not the pinned one's where the community has gone over to another since (section 14.7). */
  readonly communityKeyHash: Bytes;
}

export interface Pin {
  readonly server: ServerName;
  /** H(community key), 32 bytes. */
  readonly communityKeyHash: Bytes;
}

const fail = (code: 'handshake_failed' | 'wrong_community', what: string): never => {
  throw new VollyError(code, what);
};

/** Section 14.1. Takes 64 random bytes: the seed of ek, then `random`. */
export function greet(provider: Provider, random: RandomBytes, resumption?: Resumption): Greeting {
  const seed = random(XWING.seed);
  const message = encodeHandshake({
    kind: 'client-hello',
    random: random(32),
    ek: xwingPublicKey(provider, seed),
    ticket: resumption?.ticket ?? new Uint8Array(0),
  });
  return { message, seed, resumption };
}

/**
 * Section 14.2. Throws `handshake_failed`, or `wrong_community` where another server or key answers than the pinned one.
 * A plain error of the server throws `handshake_failed` too: it proves nothing, so its code must not decide anything.
 */
export async function readServerHello(provider: Provider, greeting: Greeting, message: Uint8Array, pin: Pin): Promise<Greeted> {
  try {
    return await serverHello(provider, greeting, message, pin);
  } catch (error) {
    if (error instanceof VollyError && error.code !== 'wrong_community' && error.code !== 'handshake_failed')
      throw new VollyError('handshake_failed', 'server hello', { cause: error });
    throw error;
  } finally {
    greeting.seed.fill(0);
  }
}

async function serverHello(provider: Provider, { message: hello, seed, resumption }: Greeting, message: Uint8Array, pin: Pin) {
  const answer = decodeHandshake(message);
  if (answer.kind === 'error') fail('handshake_failed', `the gateway says ${answer.code}`);
  if (answer.kind !== 'server-hello') return fail('handshake_failed', 'not a server hello');
  const helloHash = sha256(hello);
  const sealed = {
    seed,
    enc: answer.enc,
    ciphertext: answer.ct,
    info: handshakeInfo(helloHash),
    aad: new Uint8Array(0),
    exports: EXPORTS,
  };
  const common = { resumed: answer.resumed, helloHash, serverHelloHash: sha256(message), communityKeyHash: pin.communityKeyHash };
  if (answer.resumed) {
    if (!resumption) return fail('handshake_failed', 'resumed without a ticket');
    const opened = await openPsk(provider, { ...sealed, psk: resumption.psk, pskId: sha256(resumption.ticket) });
    const [inner] = asArray(decodeCbor(opened.plaintext), 'body', 1);
    const [server, time, session] = asArray(decodeCbor(asBytes(inner, 'what')), 'what', 3);
    if (server !== pin.server) fail('wrong_community', 'server name');
    const said = { time: asUint(time, 'time'), session: asBytes(session, 'session', SESSION_BYTES) };
    return { ...common, ...said, keys: gatewayKeys(opened.exported) };
  }
  const opened = await openBase(provider, sealed);
  const [inner, signature] = asArray(decodeCbor(opened.plaintext), 'body', 2);
  const what = asBytes(inner, 'what');
  const [server, key, time, session, steps] = asArray(decodeCbor(what), 'what', 5);
  const communityKey = asBytes(key, 'community key', COMPOSITE.publicKey);
  const said = { time: asUint(time, 'time'), session: asBytes(session, 'session', SESSION_BYTES) };
  if (server !== pin.server) fail('wrong_community', 'server name');
  const communityKeyHash = sha256(communityKey);
  const successors = decodeSuccessors(steps);
  if (!equal(communityKeyHash, pin.communityKeyHash))
    followSuccessors(provider, pin.server, { pin: pin.communityKeyHash, key: communityKey, steps: successors });
  const signed = concat(helloHash, what);
  if (
    !compositeVerify(provider, communityKey, signed, CONTEXT.gatewayServer, asBytes(signature, 'signature', COMPOSITE.signature))
  )
    fail('handshake_failed', 'signature');
  return { ...common, ...said, communityKeyHash, keys: gatewayKeys(opened.exported) };
}

export interface DeviceProof {
  /** Encoded, section 5.5. */
  readonly identity: Uint8Array;
  /** Encoded, section 6; empty to leave the shelf as it is. */
  readonly bundle: Uint8Array;
  /** 16 bytes of an invite, or empty. */
  readonly token: Uint8Array;
  sign(message: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
}

/** Section 14.3: the plaintext of the client's first record. In resumed mode `proof` is not needed. */
export async function proveDevice(greeted: Greeted, proof: DeviceProof): Promise<Bytes> {
  if (greeted.resumed) return encodeHandshake({ kind: 'proof' });
  const { identity, bundle, token } = proof;
  const transcript = clientTranscript(greeted.helloHash, greeted.serverHelloHash, greeted.communityKeyHash, token);
  const signature = await proof.sign(transcript, CONTEXT.gatewayClient);
  return encodeHandshake({ kind: 'proof', full: { identity, bundle, token, signature } });
}

/**
 * The opened first record of the server. A refusal throws an error with its code, and that one is proven: it came under the
 * keys of this handshake. Throws `handshake_failed` for anything else.
 */
export function readFinished(plaintext: Uint8Array): Finished {
  const message = decodeHandshake(plaintext);
  if (message.kind === 'finished') return message;
  if (message.kind === 'error' && isErrorCode(message.code)) throw new VollyError(message.code, 'the gateway refuses');
  return fail('handshake_failed', 'not a finished');
}
