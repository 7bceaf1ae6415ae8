/**
 * Searches everything that passed or was kept for what must never be there. Text is looked at as it is, and every base64 run in it is
 * decoded, every byte string that a CBOR head announces is inflated, and what comes out is searched again: a leak does not hide in layers.
 */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import Database from 'better-sqlite3';

/** Something to search, with a name that says where it came from. */
export interface Haystack {
  readonly where: string;
  readonly bytes: Buffer;
}

/** Something that must not be found. */
export interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

export interface Finding {
  readonly where: string;
  readonly what: string;
}

const MAX_DEPTH = 4;
const MAX_INFLATED = 1 << 20;
const BASE64_RUN = /[A-Za-z0-9+/_-]{24,}={0,2}/g;

export const needle = (what: string, text: string | Uint8Array): Needle => ({ what, bytes: Buffer.from(text as string) });

/** What every SDP and candidate holds, whoever made it. */
export const CALL_NEEDLES: readonly Needle[] = [
  needle('an SDP', 'v=0\r\n'),
  needle('a fingerprint', 'a=fingerprint'),
  needle('ICE credentials', 'a=ice-'),
  needle('a candidate', 'candidate:'),
  needle('a candidate', ' typ host'),
];

/**
 * A presence state as the protocol encodes it (CBOR) and as a careless program would (JSON, a log's key=value). `offline` in a query
 * string is the bridge telling its homeserver that the bridge user is not a person, and no member's state.
 */
export const PRESENCE_NEEDLES: readonly Needle[] = ['online', 'away', 'busy', 'offline'].flatMap((state) => [
  needle(`the presence state ${state}`, Buffer.concat([Buffer.of(0x81, 0x60 + state.length), Buffer.from(state)])),
  needle(`the presence state ${state}`, `"${state}"`),
  needle(`the presence state ${state}`, `state=${state}`),
  needle(`the presence state ${state}`, `state: ${state}`),
]);

/** Private keys in each spelling in which a store or a log could hold them. */
export const keyNeedles = (what: string, key: Uint8Array): readonly Needle[] => [
  needle(what, key),
  needle(what, Buffer.from(key).toString('hex')),
  needle(what, Buffer.from(key).toString('base64url')),
  needle(what, Buffer.from(key).toString('base64').replace(/=+$/, '')),
];

/** What was found in bytes seen before, by depth and hash: an envelope passes many places, and a second search knows the first one's. */
type Memory = Map<string, ReadonlySet<string>>;
const memories = new WeakMap<readonly Needle[], Memory>();

/** Every place a needle was found in, each once. Searching again with the same list of needles costs only what is new. */
export function searchAll(haystacks: readonly Haystack[], needles: readonly Needle[]): Finding[] {
  const memory: Memory = memories.get(needles) ?? new Map();
  memories.set(needles, memory);
  const findings = new Map<string, Finding>();
  for (const { where, bytes } of haystacks)
    for (const what of search(bytes, needles, 0, memory)) findings.set(`${where} ${what}`, { where, what });
  return [...findings.values()];
}

function search(bytes: Buffer, needles: readonly Needle[], depth: number, memory: Memory): ReadonlySet<string> {
  const key = `${depth} ${hash('sha256', bytes)}`;
  const known = memory.get(key);
  if (known) return known;
  const found = new Set(needles.filter(({ bytes: wanted }) => bytes.includes(wanted)).map(({ what }) => what));
  if (depth < MAX_DEPTH)
    for (const inner of [...decoded(bytes), ...inflated(bytes)])
      for (const what of search(inner, needles, depth + 1, memory)) found.add(what);
  memory.set(key, found);
  return found;
}

function* decoded(bytes: Buffer): Generator<Buffer> {
  for (const [run] of bytes.toString('latin1').matchAll(BASE64_RUN)) yield Buffer.from(run, 'base64');
}

/** The whole, and every CBOR byte string in it whose length fits. */
function* inflated(bytes: Buffer): Generator<Buffer> {
  const whole = inflate(bytes);
  if (whole) yield whole;
  for (let at = 0; at + 3 < bytes.length; at++) {
    const head = bytes[at];
    const [start, length] =
      head === 0x58 ? [at + 2, bytes[at + 1]!] : head === 0x59 ? [at + 3, bytes.readUInt16BE(at + 1)] : [0, 0];
    if (length < 16 || start + length > bytes.length || !mayBeDeflated(bytes, start)) continue;
    const inner = inflate(bytes.subarray(start, start + length));
    if (inner) yield inner;
  }
}

/**
 * A megabyte of base64 has thousands of letters that look like a CBOR head, and zlib is slow to say no: deflate knows no block of type 3,
 * and does not begin with sixteen bytes of plain text.
 */
function mayBeDeflated(bytes: Buffer, start: number): boolean {
  if (((bytes[start] as number) & 6) === 6) return false;
  for (let at = start; at < start + 16; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x20 || byte > 0x7e) return true;
  }
  return false;
}

function inflate(bytes: Buffer): Buffer | undefined {
  try {
    const out = inflateRawSync(bytes, { maxOutputLength: MAX_INFLATED });
    return out.length > 8 ? out : undefined;
  } catch {
    return undefined;
  }
}

/** Every row of every table of an SQLite database, and its files' raw bytes, where deleted rows linger. */
export function databaseHaystacks(where: string, path: string): Haystack[] {
  const database = new Database(path, { readonly: true });
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck().all() as string[];
  const rows = tables.map((table) => {
    const values = database.prepare(`SELECT * FROM "${table}"`).raw().all().flat();
    const bytes = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(`${value}\n`)));
    return { where: `${where}, table ${table}`, bytes: Buffer.concat(bytes) };
  });
  database.close();
  const files = ['', '-wal'].map((suffix) => path + suffix).filter((file) => statSync(file, { throwIfNoEntry: false })?.size);
  return [
    ...rows.filter(({ bytes }) => bytes.length > 0),
    ...files.map((file) => ({ where: `${where}, raw file`, bytes: readFileSync(file) })),
  ];
}

/** Every file of a folder whose name passes. */
export const fileHaystacks = (where: string, folder: string, wanted: (name: string) => boolean): Haystack[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(wanted)
    .map((name) => ({ where: `${where}, ${name}`, bytes: readFileSync(join(folder, name)) }));
