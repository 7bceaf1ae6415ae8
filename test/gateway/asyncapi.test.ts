/** docs/asyncapi.yaml against AsyncAPI's own schema, and against what really passes between apps and the gateway. */
import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import { fromUtf8 } from '../../src/bytes.ts';
import { parseFrame } from '../../src/gateway/legacy/frames.ts';
import { type Cbor, encodeCbor } from '../../src/protocol/cbor.ts';
import { ENVELOPES, parseEnvelope } from '../../src/protocol/envelope.ts';
import { decodeFrames } from '../../src/protocol/frames.ts';
import { decodeHandshake } from '../../src/protocol/handshake.ts';
import { broken } from './asyncapi-broken.ts';
import { document, jsonOf, matches, named, schema, type Way } from './asyncapi-check.ts';
import { CodecTap, type Tapped } from './asyncapi-tap.ts';
import { calls, edges, legacyCalls, type Said } from './asyncapi-traffic.ts';

const of = (operations: readonly string[]) => named.filter(({ operation }) => operations.includes(operation));
const LAYERS = { plain: of(['greet']), proof: of(['prove']), frames: of(['appFrames', 'gatewayFrames']) } as const;
const LEGACY = of(['legacyToBridge', 'legacyToApp']);

const accepted = (work: () => unknown): boolean => {
  try {
    work();
    return true;
  } catch {
    return false;
  }
};

describe('AsyncAPI document', () => {
  let tapped: Tapped[];
  let said: Said[];
  /** Every message with its way, one by one: a record's frames are taken apart. */
  let messages: { readonly way: Way; readonly layer: Tapped['layer']; readonly value: readonly Cbor[] }[];
  let envelopes: { readonly way: Way; readonly json: Record<string, unknown> }[];

  before(async () => {
    const tap = new CodecTap();
    try {
      tapped = [...(await calls()), ...(await edges())].flatMap((wire) => tap.read(wire));
    } finally {
      tap.remove();
    }
    said = await legacyCalls();
    messages = tapped.flatMap<(typeof messages)[number]>(({ way, layer, value }) =>
      layer === 'frames'
        ? (value as readonly (readonly Cbor[])[]).map((frame) => ({ way, layer, value: frame }))
        : [{ way, layer, value }],
    );
    envelopes = messages
      .filter(({ layer, value }) => layer === 'frames' && value[0] === 0)
      .map(({ way, value }) => ({ way, json: JSON.parse(fromUtf8(value[2] as Uint8Array)) }));
  });

  const going = (way: Way, among: typeof named) => among.filter((one) => one.way === way);

  it('is an AsyncAPI 3.0 document', async () => {
    const { default: specs } = await import('@asyncapi/specs');
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const validate = ajv.compile(specs.schemasWithoutId['3.0.0'] as object);
    assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)));
  });

  it('has no reference to nowhere', () => {
    const refs = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    const dead = [...refs].filter(
      ([, path]) =>
        (path as string).split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document) ===
        undefined,
    );
    assert.deepEqual(
      dead.map(([, path]) => path),
      [],
    );
  });

  it('names each message that passed, just one of its own, in its direction', () => {
    for (const { way, layer, value } of messages) {
      const names = matches(going(way, LAYERS[layer]), value);
      assert.equal(names.length, 1, `${way} ${layer} ${JSON.stringify(jsonOf(value)).slice(0, 200)}: ${names}`);
    }
    for (const { way, value } of said)
      assert.equal(matches(going(way, LEGACY), value).length, 1, `${way} ${JSON.stringify(value)}`);
    const record = schema('record');
    for (const { layer, value } of tapped)
      if (layer === 'frames') assert.ok(record(jsonOf(value)), JSON.stringify(record.errors));
  });

  it('names no message that did not pass, in no direction', () => {
    const seen = new Set([
      ...messages.flatMap(({ way, layer, value }) => matches(going(way, LAYERS[layer]), value)),
      ...said.flatMap(({ way, value }) => matches(going(way, LEGACY), value)),
    ]);
    assert.deepEqual(
      named.map(({ operation, name }) => `${operation} ${name}`).filter((name) => !seen.has(name)),
      [],
    );
    const inOperations = new Set(named.map(({ name }) => name));
    const inChannels = Object.values(document.channels).flatMap((channel) => Object.keys(channel.messages));
    assert.deepEqual(
      inChannels.filter((name) => !inOperations.has(name)),
      [],
    );
  });

  it('describes each envelope that passed, and each type that it names passed, both ways where both may send it', () => {
    for (const [way, name, party] of [
      ['up', 'envelopeFromApp', 'from'],
      ['down', 'envelopeToApp', 'to'],
    ] as const) {
      // biome-ignore format: a table
      const validate = schema(name);
      const ours = envelopes.filter((one) => one.way === way);
      // The edges' tests send envelopes whose sealed parts are a byte or two: shape is all that is looked at.
      for (const { json } of ours)
        assert.ok(validate(json), `${way} ${JSON.stringify(json).slice(0, 200)} ${JSON.stringify(validate.errors?.slice(0, 2))}`);
      const types = Object.entries(ENVELOPES)
        .filter(([, shape]) => shape[party] === 'device')
        .map(([type]) => type);
      assert.deepEqual([...new Set(ours.map(({ json }) => json['type']))].sort(), types.sort());
    }
  });

  it('refuses what the codec refuses: each message broken in many ways', () => {
    let refused = 0;
    const samples = new Map(messages.map((one) => [`${one.layer} ${one.value[0]} ${one.value.length}`, one]));
    for (const { layer, value } of samples.values())
      for (const change of broken(value)) {
        const decode = () => (layer === 'frames' ? decodeFrames(encodeCbor([change])) : decodeHandshake(encodeCbor(change)));
        const names = matches(LAYERS[layer], change);
        assert.equal(names.length > 0, accepted(decode), `${layer} ${JSON.stringify(jsonOf(change)).slice(0, 200)} is ${names}`);
        if (names.length === 0) refused++;
      }
    assert.ok(refused > 100, String(refused));
  });

  it('refuses envelopes and legacy messages that their parsers refuse', () => {
    let refused = 0;
    const same = (documented: boolean, parsed: boolean, what: unknown) => {
      assert.equal(documented, parsed, JSON.stringify(what).slice(0, 300));
      if (!documented) refused++;
    };
    const [up, down] = [schema('envelopeFromApp'), schema('envelopeToApp')];
    const byType = new Map(envelopes.map(({ json }) => [json['type'], json]));
    for (const json of byType.values())
      for (const change of broken(json))
        same(
          up(change) || down(change),
          accepted(() => parseEnvelope(change)),
          change,
        );
    for (const { way, value } of said.filter((one) => one.way === 'up'))
      for (const change of broken(value as Record<string, unknown>))
        same(
          matches(going(way, LEGACY), change).length > 0,
          accepted(() => parseFrame(JSON.stringify(change))),
          change,
        );
    assert.ok(refused > 300, String(refused));
  });

  it('has examples that are what they stand for', () => {
    let count = 0;
    for (const { name, operation, validate } of named)
      for (const { payload } of document.channels[operation.startsWith('legacy') ? 'legacy' : 'gateway']?.messages[name]
        ?.examples ?? []) {
        assert.ok(validate(payload), `${name} ${JSON.stringify(validate.errors)}`);
        count++;
      }
    assert.ok(count > 10);
  });
});
