/**
 * The envelope: the only thing a bridge handles. PROTOCOL.md section 4.
 * The wire form is JSON; every field of bytes is base64url. What a type does not name, an envelope of it may not carry.
 */
import { type Bytes, concat, fromBase64url, toBase64url, u32, utf8 } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { VollyError } from '../errors.ts';
import {
  type DeviceAddress,
  type EnvelopeId,
  envelopeIdBytes,
  envelopeIdFromBytes,
  isServerName,
  type MemberId,
  memberOf,
  parseDeviceAddress,
  parseEnvelopeId,
  parseMemberId,
  type ServerName,
  serverOf,
} from '../ids.ts';
import { LIMITS } from '../limits.ts';

/** A party of an envelope: `orchid.example`, `alice@orchid.example` or `alice@orchid.example/PHONE`. */
export type Address = ServerName | MemberId | DeviceAddress;
type Party = 'server' | 'member' | 'device';
type Field = 'bytes' | 'id' | 'ids' | 'count' | 'time' | 'flag' | 'code';

interface Shape {
  readonly from: Party;
  readonly to: Party;
  /** Field name → kind; a trailing `?` on the kind makes it optional. */
  readonly fields: Readonly<Record<string, Field | `${Field}?`>>;
  /** Kept in the outbox and repeated until the other bridge acknowledges it. */
  readonly acked: boolean;
}

const signed = { header: 'bytes', quantum_key: 'bytes', sealed: 'bytes', signature: 'bytes' } as const;
const sealed = { header: 'bytes', sealed: 'bytes' } as const;
const between = { from: 'device', to: 'device' } as const;

/** Every event type there is, and what an envelope of it carries. */
export const ENVELOPES = {
  'app.volly.call.offer': { ...between, fields: { ...signed, identity: 'bytes?' }, acked: true },
  'app.volly.call.answer': { ...between, fields: signed, acked: true },
  'app.volly.call.candidates': { ...between, fields: sealed, acked: true },
  'app.volly.call.ringing': { ...between, fields: sealed, acked: true },
  'app.volly.call.select_answer': { ...between, fields: sealed, acked: true },
  'app.volly.call.negotiate': { ...between, fields: { ...sealed, quantum_key: 'bytes?' }, acked: true },
  'app.volly.call.reject': { ...between, fields: sealed, acked: true },
  'app.volly.call.hangup': { ...between, fields: sealed, acked: true },
  'app.volly.call.heartbeat': { ...between, fields: sealed, acked: true },
  'app.volly.presence': { ...between, fields: sealed, acked: false },
  'app.volly.presence.subscribe': { ...between, fields: { ...signed, identity: 'bytes?' }, acked: true },
  'app.volly.presence.grant': { ...between, fields: { ...signed, identity: 'bytes?' }, acked: true },
  'app.volly.keys.query': { from: 'device', to: 'member', fields: { request: 'id' }, acked: true },
  'app.volly.keys.bundle': {
    from: 'member',
    to: 'device',
    fields: { request: 'id', index: 'count', count: 'count', bundle: 'bytes?' },
    acked: true,
  },
  'app.volly.ack': { from: 'server', to: 'server', fields: { acks: 'ids' }, acked: false },
  'app.volly.undeliverable': { from: 'server', to: 'device', fields: { envelope: 'id', reason: 'code' }, acked: true },
  'app.volly.hello': { from: 'server', to: 'server', fields: { time: 'time', reply: 'flag' }, acked: false },
} as const satisfies Record<string, Shape>;

export type EnvelopeType = keyof typeof ENVELOPES;

type Value<F> = F extends 'bytes'
  ? Bytes
  : F extends 'id'
    ? EnvelopeId
    : F extends 'ids'
      ? readonly EnvelopeId[]
      : F extends 'count' | 'time'
        ? number
        : F extends 'flag'
          ? boolean
          : F extends 'code'
            ? string
            : never;
type Fields<S extends Record<string, string>> = {
  readonly [K in keyof S as S[K] extends `${string}?` ? never : K]: Value<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends `${string}?` ? K : never]?: Value<S[K] extends `${infer F}?` ? F : never>;
};
type AddressOf<P> = P extends 'server' ? ServerName : P extends 'member' ? MemberId : DeviceAddress;

export type EnvelopeOf<T extends EnvelopeType> = {
  readonly id: EnvelopeId;
  readonly type: T;
  readonly from: AddressOf<(typeof ENVELOPES)[T]['from']>;
  readonly to: AddressOf<(typeof ENVELOPES)[T]['to']>;
  /** Unix time in milliseconds after which nobody delivers it. */
  readonly expires: number;
} & Fields<(typeof ENVELOPES)[T]['fields']>;

/** Any envelope: switch on `type`. */
export type Envelope = { [T in EnvelopeType]: EnvelopeOf<T> }[EnvelopeType];

export const isEnvelopeType = (text: unknown): text is EnvelopeType => typeof text === 'string' && Object.hasOwn(ENVELOPES, text);
export const isAcked = (type: EnvelopeType): boolean => ENVELOPES[type].acked;

const COMMON = ['id', 'type', 'from', 'to', 'expires'];
const bad = (what: string): never => {
  throw new VollyError('bad_encoding', `envelope ${what}`);
};
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The id of what a server says on the end of an envelope: the same each time it says so, for whatever reason. */
export const endId = (teller: ServerName, envelope: EnvelopeId): EnvelopeId =>
  envelopeIdFromBytes(
    sha256(concat(utf8('volly/1/undeliverable'), u32(teller.length), utf8(teller), envelopeIdBytes(envelope))).slice(0, 16),
  );

/** The server of any address. */
export function serverOfAddress(address: Address): ServerName {
  const member = address.includes('/') ? memberOf(address as DeviceAddress) : address;
  return member.includes('@') ? serverOf(member as MemberId) : (member as ServerName);
}

function parseAddress(value: unknown, party: Party): Address {
  if (typeof value !== 'string') return bad('address');
  if (party === 'device') return parseDeviceAddress(value);
  if (party === 'member') return parseMemberId(value);
  return isServerName(value) ? value : bad('server');
}

function parseField(name: string, kind: Field, value: unknown): unknown {
  switch (kind) {
    case 'bytes': {
      const bytes = typeof value === 'string' ? fromBase64url(value) : undefined;
      return bytes?.length ? bytes : bad(name);
    }
    case 'id':
      return typeof value === 'string' ? parseEnvelopeId(value) : bad(name);
    case 'ids':
      if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.acksPerEnvelope) return bad(name);
      return value.map((id) => (typeof id === 'string' ? parseEnvelopeId(id) : bad(name)));
    case 'count':
      return isCount(value) && value <= LIMITS.devicesPerMember ? value : bad(name);
    case 'time':
      return isCount(value) ? value : bad(name);
    case 'flag':
      return typeof value === 'boolean' ? value : bad(name);
    case 'code':
      return typeof value === 'string' && /^[a-z_]{1,40}$/.test(value) ? value : bad(name);
  }
}

/**
 * From a JSON value, as it stands in an event's content. Throws `bad_encoding` or `bad_address`.
 * Size is the caller's to check, on the bytes it came from.
 */
export function parseEnvelope(value: unknown): Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('is not an object');
  const json = value as Record<string, unknown>;
  if (!isEnvelopeType(json['type'])) return bad('type');
  const shape: Shape = ENVELOPES[json['type']];
  if (typeof json['id'] !== 'string') return bad('id');
  if (!isCount(json['expires'])) return bad('expires');
  const out: Record<string, unknown> = {
    id: parseEnvelopeId(json['id']),
    type: json['type'],
    from: parseAddress(json['from'], shape.from),
    to: parseAddress(json['to'], shape.to),
    expires: json['expires'],
  };
  for (const [name, kind] of Object.entries(shape.fields)) {
    const optional = kind.endsWith('?');
    if (json[name] === undefined && optional) continue;
    out[name] = parseField(name, (optional ? kind.slice(0, -1) : kind) as Field, json[name]);
  }
  for (const name of Object.keys(json))
    if (!COMMON.includes(name) && !Object.hasOwn(shape.fields, name)) bad('has a field its type does not know');
  return out as unknown as Envelope;
}

/** The JSON value that goes into an event's content. */
export function envelopeToJson(envelope: Envelope): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(envelope))
    if (value !== undefined) out[name] = value instanceof Uint8Array ? toBase64url(value) : value;
  return out;
}

/** The wire form, at most 60,000 bytes; it is ASCII, so its length is its size. Throws `too_large`. */
export function encodeEnvelope(envelope: Envelope): string {
  const text = JSON.stringify(envelopeToJson(envelope));
  if (text.length > LIMITS.envelopeBytes) throw new VollyError('too_large', 'envelope');
  return text;
}

/** Throws `too_large`, `bad_encoding`, `bad_address`. */
export function decodeEnvelope(text: string): Envelope {
  if (text.length > LIMITS.envelopeBytes) throw new VollyError('too_large', 'envelope');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad('is not JSON');
  }
  return parseEnvelope(value);
}
