/**
 * The frames of PROTOCOL.md section 14.5, what a record holds once the handshake is over. Each is a CBOR array whose first
 * item is its kind; a record's plaintext is an array of 1 to 256 of them.
 */
import type { Bytes } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { type EnvelopeId, envelopeIdBytes, envelopeIdFromBytes } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asUint, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';

export type Frame =
  /** The JSON of section 4 in UTF-8. */
  | { readonly kind: 'envelope'; readonly n: number; readonly envelope: Uint8Array }
  | { readonly kind: 'ack'; readonly n: number }
  | { readonly kind: 'refused'; readonly n: number; readonly code: string }
  | { readonly kind: 'publish'; readonly n: number; readonly bundle: Uint8Array }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number }
  | { readonly kind: 'key_update' }
  | { readonly kind: 'bye'; readonly code: string }
  | { readonly kind: 'caught_up' }
  | { readonly kind: 'list'; readonly list: Uint8Array; readonly signature: Uint8Array }
  /** The addressee's bridge has the offer with this id. */
  | { readonly kind: 'delivered'; readonly id: EnvelopeId }
  /** Frame n of the peer's was refused on this connection, and has been taken after all. */
  | { readonly kind: 'taken'; readonly n: number };

type Kind = Frame['kind'];
type Field = 'uint' | 'bytes' | 'code' | 'id';

/** By the number on the wire. Field names are those of `Frame`, in the order on the wire. */
export const FRAMES: readonly { readonly kind: Kind; readonly fields: readonly (readonly [string, Field])[] }[] = [
  { kind: 'envelope', fields: [['n', 'uint'], ['envelope', 'bytes']] }, // biome-ignore format: a table
  { kind: 'ack', fields: [['n', 'uint']] },
  { kind: 'refused', fields: [['n', 'uint'], ['code', 'code']] }, // biome-ignore format: a table
  { kind: 'publish', fields: [['n', 'uint'], ['bundle', 'bytes']] }, // biome-ignore format: a table
  { kind: 'ping', fields: [['id', 'uint']] },
  { kind: 'pong', fields: [['id', 'uint']] },
  { kind: 'key_update', fields: [] },
  { kind: 'bye', fields: [['code', 'code']] },
  { kind: 'caught_up', fields: [] },
  { kind: 'list', fields: [['list', 'bytes'], ['signature', 'bytes']] }, // biome-ignore format: a table
  { kind: 'delivered', fields: [['id', 'id']] },
  { kind: 'taken', fields: [['n', 'uint']] },
];
const NUMBER = new Map(FRAMES.map(({ kind }, number) => [kind, number]));

const ENVELOPE_ID_BYTES = 16;

/** A record has room for 65,536 - 16 bytes; this leaves its array's head and a key update. */
const RECORD_ROOM = LIMITS.frameBytes - 64;

const refuse = (what: string): never => {
  throw new VollyError('bad_encoding', `frame ${what}`);
};

export const isCode = (value: unknown): value is string => typeof value === 'string' && /^[a-z_]{1,40}$/.test(value);

function parseField(value: Cbor | undefined, field: Field, name: string): unknown {
  if (field === 'uint') return asUint(value, name);
  if (field === 'code') return isCode(value) ? value : refuse(name);
  if (!(value instanceof Uint8Array)) return refuse(name);
  if (field === 'id') return value.length === ENVELOPE_ID_BYTES ? envelopeIdFromBytes(value) : refuse(name);
  return value.length > 0 && value.length <= LIMITS.envelopeBytes ? value : refuse(name);
}

function parseFrame(value: Cbor): Frame {
  const items = asArray(value, 'frame', 1, 3);
  const shape = FRAMES[asUint(items[0], 'frame kind')];
  if (shape === undefined || items.length !== shape.fields.length + 1) return refuse('kind');
  const frame: Record<string, unknown> = { kind: shape.kind };
  shape.fields.forEach(([name, field], at) => {
    frame[name] = parseField(items[at + 1], field, name);
  });
  return frame as unknown as Frame;
}

function toArray(frame: Frame): Cbor[] {
  const number = NUMBER.get(frame.kind) as number;
  const fields = frame as unknown as Record<string, Cbor>;
  const encode = ([name, field]: readonly [string, Field]): Cbor =>
    field === 'id' ? envelopeIdBytes(fields[name] as EnvelopeId) : (fields[name] as Cbor);
  return [number, ...(FRAMES[number]?.fields ?? []).map(encode)];
}

/** A record's plaintext. */
export const encodeFrames = (frames: readonly Frame[]): Bytes => encodeCbor(frames.map(toArray));

/** Throws `bad_encoding`: one malformed frame makes the whole record malformed, as only a broken peer sends one. */
export function decodeFrames(plaintext: Uint8Array): Frame[] {
  const frames = asArray(decodeCbor(plaintext), 'record', 1, LIMITS.framesPerRecord).map(parseFrame);
  if (frames.some(({ kind }, at) => kind === 'key_update' && at !== frames.length - 1)) refuse('after key_update');
  return frames;
}

/** An upper bound of a frame's bytes: its strings, and a head of at most 9 bytes for each item and the array. */
export const frameSize = (frame: Frame): number => {
  let size = 32;
  for (const value of Object.values(frame)) if (typeof value !== 'number') size += value.length;
  return size;
};

/** As few records as hold them in their order; each keeps room for a `key_update`. */
export function packFrames(frames: readonly Frame[]): Frame[][] {
  const records: Frame[][] = [];
  let current: Frame[] = [];
  let room = RECORD_ROOM;
  for (const frame of frames) {
    const size = frameSize(frame);
    if (current.length > 0 && (size > room || current.length === LIMITS.framesPerRecord - 1)) {
      records.push(current);
      current = [];
      room = RECORD_ROOM;
    }
    current.push(frame);
    room -= size;
  }
  if (current.length > 0) records.push(current);
  return records;
}
