/**
 * The frames of PROTOCOL.md section 14.5 in words. Their shape on the wire, the number, order and kind of the fields, is the codec's own
 * table (src/protocol/frames.ts); the compiler holds this file to its frames and their fields.
 */
import { LIMITS } from '../../src/limits.ts';
import { FRAMES, type Frame } from '../../src/protocol/frames.ts';
import { bytes, code, described, part, type Schema, tuple, uint } from './schema.ts';

/** Who sends it. */
export type Way = 'app' | 'gateway' | 'both';

export interface Message {
  readonly name: string;
  readonly way: Way;
  readonly summary: string;
  readonly payload: Schema;
  readonly example?: unknown;
}

type Words = {
  readonly [K in Frame['kind']]: {
    readonly way: Way;
    readonly summary: string;
    readonly fields: { readonly [F in Exclude<keyof Extract<Frame, { kind: K }>, 'kind'>]: string };
    readonly example?: unknown;
  };
};

const NUMBERED = 'Numbered from 1 in each direction on each connection, envelopes and bundles together, without gaps.';

const WORDS: Words = {
  envelope: {
    way: 'both',
    summary: 'An envelope: of this device to the bridge, or for this device from it.',
    fields: { n: NUMBERED, envelope: 'JSON in UTF-8, see the schemas `envelopeFromApp` and `envelopeToApp`.' },
  },
  ack: {
    way: 'both',
    summary: 'All numbered frames of the other side up to n are settled: committed by the bridge, or opened by the app.',
    fields: { n: 'The newest of them. It rises.' },
    example: [1, 7],
  },
  refused: {
    way: 'both',
    summary:
      'Frame n was refused; all before it are settled. To the bridge: the app could not take it now, and it is offered again on the next connection unless a `taken` follows.',
    fields: { n: 'The frame.', code: 'Why: a code of docs/ERRORS.md.' },
    example: [2, 8, 'bad_signature'],
  },
  publish: {
    way: 'app',
    summary: 'Shelve this device’s bundle; a newer device list in it becomes the member’s.',
    fields: { n: NUMBERED, bundle: 'CBOR of PROTOCOL.md section 6.' },
  },
  ping: {
    way: 'both',
    summary: `Each side asks about every ${LIMITS.pingMs / 1_000} s, and closes (\`timed_out\`) after ${(2 * LIMITS.pingMs) / 1_000} s in which it heard nothing.`,
    fields: { id: 'Comes back in the pong.' },
    example: [4, 1],
  },
  pong: { way: 'both', summary: 'The answer to a ping.', fields: { id: 'That of the ping.' }, example: [5, 1] },
  key_update: {
    way: 'both',
    summary: 'The last frame of a record: its sender’s next record is sealed under the next key, counted from 0.',
    fields: {},
    example: [6],
  },
  bye: {
    way: 'both',
    summary: 'The reason of the close that follows.',
    fields: { code: 'A code of docs/ERRORS.md.' },
    example: [7, 'replaced'],
  },
  caught_up: { way: 'gateway', summary: 'All that waited when the device connected has been sent.', fields: {}, example: [8] },
  list: {
    way: 'gateway',
    summary: 'Another device of the member published a newer device list. The app checks it like any.',
    fields: { list: 'CBOR of PROTOCOL.md section 5.2.', signature: 'By the member’s identity key, 3,373 bytes.' },
  },
  delivered: {
    way: 'gateway',
    summary: 'The addressee’s bridge has this device’s offer: the bridges’ word. It may come twice or never.',
    fields: { id: 'The envelope’s id.' },
  },
  taken: {
    way: 'app',
    summary: 'Frame n, which this device refused on this connection, was taken after all: it leaves the inbox.',
    fields: { n: 'The refused frame.' },
    example: [11, 8],
  },
};

const FIELDS = { uint, code, bytes: part, id: bytes(16) } as const;

/** In the order of their numbers. */
export const frames: readonly Message[] = FRAMES.map(({ kind, fields }, number) => {
  const { way, summary, example, fields: words } = WORDS[kind];
  const means = words as Readonly<Record<string, string>>;
  const items = fields.map(([name, field]) => ({ title: name, ...described(FIELDS[field], means[name] as string) }));
  const payload = tuple([{ const: number, description: `The frame’s kind: ${kind}.` }, ...items]);
  return { name: kind, way, summary, payload, ...(example !== undefined && { example }) };
});
