/** Messages of STUN and TURN, as far as trying a server takes: RFC 8489 sections 5 and 14, RFC 8656. Long-term credentials with SHA-1. */
import { createHash, createHmac, randomBytes } from 'node:crypto';

export const METHOD = { binding: 0x001, allocate: 0x003, refresh: 0x004 } as const;
export const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
} as const;

const COOKIE = 0x2112a442;
export const HEADER_BYTES = 20;
const INTEGRITY_BYTES = 20;
const CLASS = { success: 0x100, error: 0x110 } as const;

export type Attributes = readonly (readonly [type: number, value: Uint8Array])[];

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly nonce: Uint8Array;
}

export interface StunMessage {
  readonly kind: 'request' | 'success' | 'error';
  readonly method: number;
  /** 12 bytes, in hex. */
  readonly transaction: string;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

export function request(method: number, attributes: Attributes, credentials?: Credentials): Buffer {
  return encode(method, randomBytes(12), attributes, credentials && withCredentials(credentials));
}

export const answer = (to: StunMessage, kind: 'success' | 'error', attributes: Attributes): Buffer =>
  encode(to.method | CLASS[kind], Buffer.from(to.transaction, 'hex'), attributes);

interface Signed {
  readonly attributes: Attributes;
  readonly key: Buffer;
}

const withCredentials = ({ username, password, realm, nonce }: Credentials): Signed => ({
  attributes: [
    [ATTRIBUTE.username, Buffer.from(username)],
    [ATTRIBUTE.realm, Buffer.from(realm)],
    [ATTRIBUTE.nonce, nonce],
  ],
  key: longTermKey(username, realm, password),
});

/** RFC 8489 section 9.2.2; MD5 is what the standard has. */
export const longTermKey = (username: string, realm: string, password: string): Buffer =>
  createHash('md5').update(`${username}:${realm}:${password}`).digest();

function encode(type: number, transaction: Uint8Array, attributes: Attributes, signed?: Signed): Buffer {
  const body = Buffer.concat([...attributes, ...(signed?.attributes ?? [])].map(([kind, value]) => attribute(kind, value)));
  if (signed === undefined) return Buffer.concat([header(type, body.length, transaction), body]);
  // The length under the HMAC counts the attribute that holds it.
  const covered = Buffer.concat([header(type, body.length + 4 + INTEGRITY_BYTES, transaction), body]);
  const mac = createHmac('sha1', signed.key).update(covered).digest();
  return Buffer.concat([covered, attribute(ATTRIBUTE.messageIntegrity, mac)]);
}

function header(type: number, length: number, transaction: Uint8Array): Buffer {
  const out = Buffer.alloc(HEADER_BYTES);
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(length, 2);
  out.writeUInt32BE(COOKIE, 4);
  out.set(transaction, 8);
  return out;
}

function attribute(type: number, value: Uint8Array): Buffer {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(value.length, 2);
  out.set(value, 4);
  return out;
}

/** How long the message at the head is; undefined while its header is not there. For streams, where messages follow each other. */
export const lengthOf = (bytes: Buffer): number | undefined =>
  bytes.length < HEADER_BYTES ? undefined : HEADER_BYTES + bytes.readUInt16BE(2);

/** Undefined for what is no STUN message. */
export function decode(bytes: Buffer): StunMessage | undefined {
  const length = lengthOf(bytes);
  if (length !== bytes.length || bytes.readUInt32BE(4) !== COOKIE || (bytes[0]! & 0xc0) !== 0) return undefined;
  const type = bytes.readUInt16BE(0);
  const bits = type & 0x110;
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; ) {
    const size = bytes.readUInt16BE(at + 2);
    if (at + 4 + size > bytes.length) return undefined;
    // Of several the first counts, and what follows the integrity is not covered by it.
    const kind = bytes.readUInt16BE(at);
    if (!attributes.has(kind)) attributes.set(kind, bytes.subarray(at + 4, at + 4 + size));
    at += 4 + Math.ceil(size / 4) * 4;
  }
  const kind = bits === CLASS.success ? 'success' : bits === CLASS.error ? 'error' : 'request';
  return { kind, method: type & ~0x110, transaction: bytes.toString('hex', 8, HEADER_BYTES), attributes };
}

/** Whether the MESSAGE-INTEGRITY, which is there and the last attribute, was made with this key. */
export function isIntact(bytes: Buffer, key: Buffer): boolean {
  const end = bytes.length - 4 - INTEGRITY_BYTES;
  const mac = createHmac('sha1', key).update(bytes.subarray(0, end)).digest();
  return mac.equals(bytes.subarray(end + 4));
}

/** 401 of an error response; 0 where it has none. */
export function errorCodeOf({ attributes }: StunMessage): number {
  const value = attributes.get(ATTRIBUTE.errorCode);
  return value === undefined || value.length < 4 ? 0 : (value[2]! & 7) * 100 + value[3]!;
}
