/** The messages of the handshake, PROTOCOL.md sections 14.1 to 14.4. The compiler holds this file to the codec's kinds of them, the tests to their shapes. */
import { COMPOSITE } from '../../src/crypto/composite.ts';
import { XWING } from '../../src/crypto/xwing.ts';
import { LIMITS } from '../../src/limits.ts';
import { type HandshakeMessage, TICKET_BYTES, TOKEN_BYTES } from '../../src/protocol/handshake.ts';
import { HASH_BYTES } from '../../src/protocol/suite.ts';
import type { Message } from './frames.ts';
import { bytes, bytesOrEmpty, code, described, type Schema, tuple } from './schema.ts';

type Field = readonly [title: string, schema: Schema, description: string];

const message = (number: number, fields: readonly Field[]): Schema =>
  tuple([
    { const: number, description: 'The kind of message.' },
    ...fields.map(([title, schema, description]) => ({ title, ...described(schema, description) })),
  ]);

/** What its own parser looks at later; shape alone lets it be empty. */
const inner = bytes(0, LIMITS.envelopeBytes);

const MESSAGES: { readonly [K in HandshakeMessage['kind']]: readonly Message[] } = {
  'client-hello': [
    {
      name: 'clientHello',
      way: 'app',
      summary: 'The first message, plain: a fresh key, and the ticket of an earlier connection if there is one.',
      payload: message(1, [
        ['version', { const: 'volly-gw-1' }, 'The handshake’s name.'],
        ['random', bytes(32), 'Fresh randomness.'],
        ['ek', bytes(XWING.publicKey), 'A fresh X-Wing public key.'],
        ['ticket', bytesOrEmpty(TICKET_BYTES), 'From the last `finished`, or empty.'],
      ]),
    },
  ],
  'server-hello': [
    {
      name: 'serverHello',
      way: 'gateway',
      summary: 'Plain, with the server’s identity sealed inside. From here on every message is a record.',
      payload: message(2, [
        ['mode', { enum: [0, 1] }, '0 full, 1 resumed by the ticket.'],
        ['enc', bytes(XWING.ciphertext), 'HPKE’s encapsulated key.'],
        ['ct', inner, 'What the server says of itself, sealed to `ek` (PROTOCOL.md section 14.2).'],
      ]),
    },
  ],
  proof: [
    {
      name: 'proof',
      way: 'app',
      summary: 'In full mode: who the device is, signed over both hellos.',
      payload: message(3, [
        ['identity', inner, 'CBOR of PROTOCOL.md section 5.5.'],
        ['bundle', inner, 'CBOR of section 6 to be shelved, or empty.'],
        ['token', bytesOrEmpty(TOKEN_BYTES), 'Of an invite, or empty.'],
        ['signature', bytes(COMPOSITE.signature), 'By the device’s identity key.'],
      ]),
    },
    {
      name: 'resumedProof',
      way: 'app',
      summary: 'In resumed mode: that its record opens is the proof.',
      payload: message(3, []),
      example: [3],
    },
  ],
  finished: [
    {
      name: 'finished',
      way: 'gateway',
      summary: 'The device is in. Frames flow only after this record.',
      payload: message(4, [
        ['ticket', bytes(TICKET_BYTES), 'For the next connection; it serves once.'],
        ['list', inner, 'The member’s newest device list where the device showed another, or empty.'],
        ['list_signature', bytesOrEmpty(COMPOSITE.signature), 'Of that list, or empty.'],
        ['prekey_hash', bytesOrEmpty(HASH_BYTES), 'SHA-256 of the prekey statement on the shelf, or empty.'],
      ]),
    },
  ],
  error: [
    {
      name: 'error',
      way: 'gateway',
      summary: 'Why the gateway ends the handshake: plain before there are keys, and then it proves nothing; else in a record.',
      payload: message(5, [['code', code, 'A code of docs/ERRORS.md.']]),
      example: [5, 'bad_invite'],
    },
  ],
};

export const handshake: readonly Message[] = Object.values(MESSAGES).flat();
