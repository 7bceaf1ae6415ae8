/**
 * The messages of the gateway handshake, PROTOCOL.md section 14.1 to 14.4, and what both sides derive from it. Each side's steps
 * are in handshake-client.ts and handshake-server.ts: state in, state out, with provider, randomness and time as parameters.
 */
import { type Bytes, concat, utf8 } from '../bytes.ts';
import { AEAD_KEY_BYTES } from '../crypto/aead.ts';
import { COMPOSITE } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { ExportRequest } from '../crypto/hpke.ts';
import { XWING } from '../crypto/xwing.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asUint, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';
import { isCode } from './frames.ts';
import { HASH_BYTES } from './suite.ts';

const GATEWAY_VERSION = 'volly-gw-1';
export const TICKET_BYTES = 32;
export const TOKEN_BYTES = 16;
export const SESSION_BYTES = 16;

/** All but `psk` erased once the records have them. */
export interface GatewayKeys {
  /** Key blocks of 44 bytes. */
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  /** The psk of the ticket that this handshake issues, 32 bytes. */
  readonly resume: Uint8Array;
}

export const EXPORTS: readonly ExportRequest[] = [
  { label: 'volly/1/gateway/client', length: AEAD_KEY_BYTES },
  { label: 'volly/1/gateway/server', length: AEAD_KEY_BYTES },
  { label: 'volly/1/gateway/resume', length: 32 },
];
export const gatewayKeys = ([client, server, resume]: readonly Bytes[]): GatewayKeys => ({
  client: client as Bytes,
  server: server as Bytes,
  resume: resume as Bytes,
});

/** HPKE's info, which binds a server hello to the one client hello it answers. */
export const handshakeInfo = (clientHelloHash: Uint8Array): Bytes => concat(utf8('volly/1/gateway'), clientHelloHash);

/** What the DIK signs: both hellos, the server's identity, and the invite that is spent. */
export const clientTranscript = (
  helloHash: Uint8Array,
  serverHelloHash: Uint8Array,
  communityKeyHash: Uint8Array,
  token: Uint8Array,
) => concat(helloHash, serverHelloHash, communityKeyHash, sha256(token));

export type HandshakeMessage =
  | { readonly kind: 'client-hello'; readonly random: Uint8Array; readonly ek: Uint8Array; readonly ticket: Uint8Array }
  | { readonly kind: 'server-hello'; readonly resumed: boolean; readonly enc: Uint8Array; readonly ct: Uint8Array }
  | { readonly kind: 'proof'; readonly full?: FullProof }
  | Finished
  | { readonly kind: 'error'; readonly code: string };

/** Who the client is; absent in resumed mode, where opening the record says it. */
export interface FullProof {
  readonly identity: Uint8Array;
  readonly bundle: Uint8Array;
  readonly token: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Finished {
  readonly kind: 'finished';
  readonly ticket: Uint8Array;
  /** Both empty where the client presented the newest. */
  readonly list: Uint8Array;
  readonly listSignature: Uint8Array;
  /** H(the prekey statement on the shelf), or empty. */
  readonly prekeyHash: Uint8Array;
}

const bad = (what: string): never => {
  throw new VollyError('bad_encoding', `handshake ${what}`);
};

function toArray(message: HandshakeMessage): Cbor[] {
  switch (message.kind) {
    case 'client-hello':
      return [1, GATEWAY_VERSION, message.random, message.ek, message.ticket];
    case 'server-hello':
      return [2, message.resumed ? 1 : 0, message.enc, message.ct];
    case 'proof': {
      const full = message.full;
      return full ? [3, full.identity, full.bundle, full.token, full.signature] : [3];
    }
    case 'finished':
      return [4, message.ticket, message.list, message.listSignature, message.prekeyHash];
    case 'error':
      return [5, message.code];
  }
}

export const encodeHandshake = (message: HandshakeMessage): Bytes => encodeCbor(toArray(message));

/** Parts that their own parsers look at later: at most as long as an envelope. */
function part(value: Cbor | undefined, what: string): Bytes {
  const bytes = asBytes(value, what);
  return bytes.length <= LIMITS.envelopeBytes ? bytes : bad(what);
}

/** Strict, like all of section 3.1. Throws `bad_encoding`. */
export function decodeHandshake(message: Uint8Array): HandshakeMessage {
  const items = asArray(decodeCbor(message), 'handshake', 1, 5);
  const [kind, a, b, c, d] = items;
  switch (`${asUint(kind, 'kind')}/${items.length}`) {
    case '1/5':
      if (a !== GATEWAY_VERSION) bad('version');
      return {
        kind: 'client-hello',
        random: asBytes(b, 'random', 32),
        ek: asBytes(c, 'ek', XWING.publicKey),
        ticket: asBytes(d, 'ticket', 0, TICKET_BYTES),
      };
    case '2/4':
      if (a !== 0 && a !== 1) bad('mode');
      return { kind: 'server-hello', resumed: a === 1, enc: asBytes(b, 'enc', XWING.ciphertext), ct: part(c, 'ct') };
    case '3/1':
      return { kind: 'proof' };
    case '3/5': {
      const signature = asBytes(d, 'signature', COMPOSITE.signature);
      return {
        kind: 'proof',
        full: { identity: part(a, 'identity'), bundle: part(b, 'bundle'), token: asBytes(c, 'token', 0, TOKEN_BYTES), signature },
      };
    }
    case '4/5':
      return {
        kind: 'finished',
        ticket: asBytes(a, 'ticket', TICKET_BYTES),
        list: part(b, 'list'),
        listSignature: asBytes(c, 'list signature', 0, COMPOSITE.signature),
        prekeyHash: asBytes(d, 'prekey hash', 0, HASH_BYTES),
      };
    case '5/2':
      return isCode(a) ? { kind: 'error', code: a } : bad('code');
    default:
      return bad('kind');
  }
}
