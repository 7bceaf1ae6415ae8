/** docs/asyncapi.yaml as a judge: which of its messages a decoded message is. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { toBase64url } from '../../src/bytes.ts';
import type { Cbor } from '../../src/protocol/cbor.ts';

export type Way = 'up' | 'down';

interface Operation {
  readonly action: 'send' | 'receive';
  readonly messages: readonly { readonly $ref: string }[];
  readonly reply?: { readonly messages: readonly { readonly $ref: string }[] };
}

interface AsyncApi {
  readonly id: string;
  readonly channels: Readonly<
    Record<
      string,
      { readonly messages: Readonly<Record<string, { readonly examples?: readonly { readonly payload: unknown }[] }>> }
    >
  >;
  readonly operations: Readonly<Record<string, Operation>>;
}

export const document = parse(readFileSync(new URL('../../docs/asyncapi.yaml', import.meta.url), 'utf8')) as AsyncApi;

/** A message of the document in the operation that names it, with the way it goes: `gatewayFrames ack`. */
interface Named {
  readonly name: string;
  readonly operation: string;
  readonly way: Way;
  readonly validate: ValidateFunction;
}

const { id: _, ...whole } = document;
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false });
// The document is no schema, only the place of its schemas: a misspelt keyword inside of those is still found.
ajv.addVocabulary(['x-bytes', ...Object.keys(whole)]);
ajv.addSchema({ ...whole, $id: 'asyncapi' }, 'asyncapi', false, false);

const compiled = (pointer: string): ValidateFunction => ajv.compile({ $ref: `asyncapi${pointer}` });

export const named: readonly Named[] = Object.entries(document.operations).flatMap(([operation, { action, messages, reply }]) => {
  const from = (way: Way) => (message: { readonly $ref: string }) => ({
    name: message.$ref.split('/').at(-1) as string,
    operation,
    way,
    validate: compiled(`${message.$ref}/payload`),
  });
  const [asked, answered] = action === 'receive' ? (['up', 'down'] as const) : (['down', 'up'] as const);
  return [...messages.map(from(asked)), ...(reply?.messages ?? []).map(from(answered))];
});

export const schema = (name: string): ValidateFunction => compiled(`#/components/schemas/${name}`);

/** The JSON of CBOR, RFC 8949 section 6.1. */
export const jsonOf = (value: Cbor): unknown =>
  value instanceof Uint8Array ? toBase64url(value) : Array.isArray(value) ? value.map(jsonOf) : value;

/** In JSON a byte string and a text look alike: the schema must take one for what it is. */
function kindsAgree(validate: ValidateFunction, value: Cbor): boolean {
  const { $ref } = validate.schema as { readonly $ref: string };
  const items = $ref
    .slice('asyncapi#/'.length)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document) as { readonly items?: readonly object[] };
  return (value as readonly Cbor[]).every(
    (item, at) => item instanceof Uint8Array === 'contentEncoding' in (items.items?.[at] ?? {}),
  );
}

/** Which messages of these it is, as `operation name`: exactly one, if document and traffic agree. CBOR values and JSON ones alike. */
export function matches(among: readonly Named[], value: unknown): string[] {
  const isCbor = Array.isArray(value);
  const json = isCbor ? jsonOf(value) : value;
  return among
    .filter(({ validate }) => validate(json) && (!isCbor || kindsAgree(validate, value)))
    .map(({ operation, name }) => `${operation} ${name}`);
}
