/** The JSON of an envelope, PROTOCOL.md section 4, of each type that a gateway carries: made from the codec's own table (src/protocol/envelope.ts). */
import { COMPOSITE } from '../../src/crypto/composite.ts';
import { XWING } from '../../src/crypto/xwing.ts';
import { LIMITS } from '../../src/limits.ts';
import { ENVELOPES } from '../../src/protocol/envelope.ts';
import { ADDRESSES, bytes, code, described, flag, id, object, type Schema, uint } from './schema.ts';

type Fields<T> = T extends { readonly fields: infer F } ? keyof F : never;
type FieldName = Fields<(typeof ENVELOPES)[keyof typeof ENVELOPES]>;

const AEAD_TAG_BYTES = 16;

/** The codec has one kind for all bytes; sizes are those of PROTOCOL.md sections 1, 3 and 7. */
const FIELDS: Readonly<Record<FieldName, Schema>> = {
  header: described(bytes(1, LIMITS.headerBytes), 'CBOR of section 7.'),
  quantum_key: described(bytes(XWING.ciphertext), 'HPKE’s encapsulated key.'),
  sealed: described(bytes(1, LIMITS.bodyBytes + AEAD_TAG_BYTES), 'The sealed body.'),
  signature: described(bytes(COMPOSITE.signature), 'By the sender’s device key.'),
  identity: described(bytes(1, LIMITS.envelopeBytes), 'CBOR of section 5.5.'),
  request: described(id, 'Names the query; its bundles have the same.'),
  index: described({ ...uint, maximum: LIMITS.devicesPerMember }, 'Which of `count` bundles this is, from 0.'),
  count: described({ ...uint, maximum: LIMITS.devicesPerMember }, 'How many there are; 0: no such member, or no device.'),
  bundle: described(bytes(1, LIMITS.envelopeBytes), 'CBOR of section 6.'),
  acks: { type: 'array', items: id, minItems: 1, maxItems: LIMITS.acksPerEnvelope },
  envelope: described(id, 'The envelope that came to its end.'),
  reason: described(code, 'A code of docs/ERRORS.md.'),
  time: uint,
  reply: flag,
};

interface Shape {
  readonly from: keyof typeof ADDRESSES;
  readonly to: keyof typeof ADDRESSES;
  readonly fields: Readonly<Record<string, string>>;
}

function schemaOf(type: string, { from, to, fields }: Shape): Schema {
  const [required, optional]: Record<string, Schema>[] = [{}, {}];
  for (const [name, kind] of Object.entries(fields))
    (kind.endsWith('?') ? optional : required)![name] = FIELDS[name as FieldName];
  const common = {
    id: described(id, 'Random.'),
    type: { const: type },
    from: ADDRESSES[from],
    to: ADDRESSES[to],
    expires: described(uint, 'Unix time in milliseconds after which nobody delivers it.'),
  };
  return object({ ...common, ...required }, optional);
}

const shapes: readonly (readonly [string, Shape])[] = Object.entries(ENVELOPES);
const fromDevices = shapes.filter(([, { from }]) => from === 'device').map(([type]) => type);
const toDevices = shapes.filter(([, { to }]) => to === 'device').map(([type]) => type);

const oneOf = (types: readonly string[], description: string): Schema => ({
  description,
  oneOf: types.map((type) => ({ $ref: `#/components/schemas/${type}` })),
});

/** By their names under `components/schemas`. */
export const envelopes: Readonly<Record<string, Schema>> = {
  envelopeFromApp: oneOf(
    fromDevices,
    `What an app may send; \`from\` is the device itself. At most ${LIMITS.envelopeBytes} bytes.`,
  ),
  envelopeToApp: oneOf(toDevices, 'What comes for an app; `to` is the device.'),
  ...Object.fromEntries(
    shapes
      .filter(([type]) => fromDevices.includes(type) || toDevices.includes(type))
      .map(([type, shape]) => [type, schemaOf(type, shape)]),
  ),
};
